//! Who uses a server while a command runs (`--then`): the last one out stops it, when it was started for that.
//!
//! A use is a shared flock(2) on a file of the server's, which ends with the process that holds it, however that ends. Who
//! gets the lock for himself when he leaves was the last one. The file says which server was started for a command; what
//! somebody wanted up without one is noted beside it and stays.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, Write},
    path::{Path, PathBuf},
};

use proc_tree::Identity;

use crate::{
    Failure, Port, ServerRecord, StateFolder,
    server::{lock, state_file},
    service::id::ServiceId,
};

/// A use of a server; ends when it is dropped.
#[derive(Debug)]
pub struct Use {
    path: PathBuf,
    file: File,
    kept: PathBuf,
}

/// What becomes of a server whose use has ended.
#[derive(Debug)]
pub enum Left {
    /// This was the last use of one that was started for a command: it is to be stopped. Nobody begins to use it as long
    /// as this value is there.
    Stop(Use),
    /// No use of it was noted, and it is to be stopped.
    Unused,
    /// Another command still uses it.
    Used,
    /// It was not started for a command, or somebody wanted it up without one since.
    Wanted,
}

impl Use {
    /// Begins to use a service's server on a port, once nobody is about to stop it.
    ///
    /// # Errors
    /// When that cannot be noted.
    pub fn begin(state_folder: &StateFolder, service: &ServiceId, port: Option<Port>) -> Result<Self, Failure> {
        let path = state_folder.of_service(service, port, lock::USE);
        let file = shared(&path).map_err(Failure::state("lock", &path))?;
        Ok(Self { path, file, kept: state_folder.of_service(service, port, lock::WANTED) })
    }

    /// Notes that this server was started for a command.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn started(&mut self, server: Identity) -> Result<(), Failure> {
        self.write(server).map_err(Failure::state("write", &self.path))
    }

    fn write(&mut self, server: Identity) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&serde_json::to_vec(&server)?)
    }

    /// Notes that this server is wanted up, whatever commands use it.
    ///
    /// # Errors
    /// As [`Use::started`].
    pub fn wanted(&self, server: Identity) -> Result<(), Failure> {
        let write = || {
            let text = serde_json::to_vec(&server)?;
            if state_file::read(&self.kept)?.is_some_and(|known| known == text) {
                return Ok(());
            }
            state_file::write(&self.kept, &text)
        };
        write().map_err(Failure::state("write", &self.kept))
    }

    /// Ends the use. `is_ours` tells that this call started the server, which `record` is about.
    pub fn end(self, record: Option<&ServerRecord>, is_ours: bool) -> Left {
        let is_it =
            |one: Identity| record.is_some_and(|record| record.supervisor == Some(one) || record.is_any_of(&[one]));
        let wanted = state_file::read(&self.kept).ok().flatten().and_then(|text| parse(&text)).is_some_and(is_it);
        match self.file.try_lock() {
            Ok(()) => {}
            // nobody can be known to use it
            Err(TryLockError::Error(_)) if is_ours => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return Left::Used,
        }
        let started = state_file::read(&self.path).ok().flatten().and_then(|text| parse(&text));
        let is_for_a_command = is_ours || started.is_some_and(is_it);
        if is_for_a_command && !wanted { Left::Stop(self) } else { Left::Wanted }
    }
}

/// Tells whether a command has ever used a service's server on a port: without one there is nothing to note.
pub fn is_known(state_folder: &StateFolder, service: &ServiceId, port: Option<Port>) -> bool {
    fs::symlink_metadata(state_folder.of_service(service, port, lock::USE)).is_ok()
}

fn shared(path: &Path) -> io::Result<File> {
    loop {
        let file = lock::open(path)?;
        match file.lock_shared() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            // one that nobody used for long may have been removed in this moment
            Ok(()) if lock::is_in_place(&file, path)? => return Ok(file),
            Ok(()) => {}
        }
    }
}

fn parse(text: &[u8]) -> Option<Identity> {
    serde_json::from_slice(text).ok()
}
