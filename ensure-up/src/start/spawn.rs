//! Starting a command as a server: in its own session, with no descriptor of ours but the log, and only once its record is
//! written.
//!
//! The new process waits on a pipe between fork and exec. When its starter dies there, it ends without a trace; so a
//! server that runs always has a record.

use std::{
    ffi::{OsStr, OsString},
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStringExt,
    },
    path::PathBuf,
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{AccessFlags, ForkResult, Pid, access, fork},
};
use proc_tree::Identity;

use super::{
    exec::{Exec, candidates},
    launch_error::LaunchError,
};

pub(crate) use super::exec::Launch;

/// A process that exists and waits for the word to become the server. Without that word it ends, and is reaped.
#[derive(Debug)]
pub(crate) struct Launched {
    identity: Identity,
    program: String,
    go: Option<PipeWriter>,
    failure: PipeReader,
    runs: bool,
}

impl Launched {
    /// Returns which process it is, and will be as the server.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Lets it become the server. Returns once the program runs or could not be executed.
    ///
    /// # Errors
    /// When the program could not be executed; the process has ended then.
    pub(crate) fn go(mut self) -> Result<(), LaunchError> {
        let mut failure = [0; 4];
        let word = self.go.take().map_or(Ok(()), |mut go| go.write_all(b"!"));
        let told = word.and_then(|()| {
            loop {
                match self.failure.read(&mut failure) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    told => break told,
                }
            }
        });
        if told.map_err(LaunchError::Process)? == failure.len() {
            let program = self.program.clone();
            return Err(match io::Error::from_raw_os_error(i32::from_ne_bytes(failure)) {
                error if error.kind() == io::ErrorKind::NotFound => LaunchError::NotFound(program),
                source => LaunchError::NotExecutable { program, source },
            });
        }
        self.runs = true;
        Ok(())
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if !self.runs {
            // a child that was not reaped: nobody else has its PID
            let pid = Pid::from_raw(i32::try_from(self.identity.pid).unwrap_or(i32::MAX));
            let _ = kill(pid, Signal::SIGKILL);
            while waitpid(pid, None) == Err(Errno::EINTR) {}
        }
    }
}

impl Launch<'_> {
    /// Makes the process, which waits.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn fork(&self) -> Result<Launched, LaunchError> {
        // everything that allocates happens before the fork: afterwards only system calls are safe
        let mut exec = Exec::prepare(self)?;
        let (go_reader, go) = io::pipe().map_err(LaunchError::Process)?;
        let (failure, failure_writer) = io::pipe().map_err(LaunchError::Process)?;
        // SAFETY: the child makes system calls only, on memory that was prepared, and ends in exec or _exit.
        match unsafe { fork() }.map_err(|error| LaunchError::Process(error.into()))? {
            ForkResult::Child => {
                // its own copy would keep it from ever seeing that the starter is gone
                drop(go);
                exec.run(go_reader, &failure_writer)
            }
            ForkResult::Parent { child } => {
                let pid = u32::try_from(child.as_raw()).unwrap_or(0);
                let identity = Identity::of(pid).and_then(|found| found.ok_or(io::ErrorKind::NotFound.into()));
                let identity = identity.map_err(LaunchError::Process)?;
                let program = self.command.first().map(|program| program.to_string_lossy().into_owned());
                Ok(Launched { identity, program: program.unwrap_or_default(), go: Some(go), failure, runs: false })
            }
        }
    }
}

/// Tells in advance whether there is a program to execute.
///
/// # Errors
/// When it is not found or cannot be executed.
pub(crate) fn find(program: &OsStr, environment: &[(OsString, OsString)]) -> Result<(), LaunchError> {
    let path = environment.iter().rfind(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
    let shown = program.to_string_lossy().into_owned();
    let found =
        candidates(program, path).map(|path| PathBuf::from(OsString::from_vec(path))).find(|path| path.exists());
    let Some(found) = found else { return Err(LaunchError::NotFound(shown)) };
    let executable = access(&found, AccessFlags::X_OK).map_err(io::Error::from);
    let checked = executable.and_then(|()| if found.is_dir() { Err(io::Error::from(Errno::EACCES)) } else { Ok(()) });
    checked.map_err(|source| LaunchError::NotExecutable { program: shown, source })
}

/// Names the descriptor of a file for [`Launch::output`].
pub(crate) fn output(file: &impl AsFd) -> BorrowedFd<'_> {
    file.as_fd()
}
