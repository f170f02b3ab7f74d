//! A record as a file of the state folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use proc_tree::{Identity, cli::text, process};

use super::ServerRecord;
use crate::{
    Port,
    server::{
        folder::{StateFolder, unless_deleted},
        phase::Phase,
        state_file,
    },
    service::id::ServiceId,
};

/// Which record cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}", text::path(path))]
struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

impl ServerRecord {
    /// Reads the record of a service's server on a port; `None` where there is none that can be believed.
    ///
    /// Cut short, from another boot, not ours, a link: whatever is wrong with it, it only means that there is no record.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn read(state_folder: &StateFolder, service: &ServiceId, port: Option<Port>) -> io::Result<Option<Self>> {
        let record = Self::load(&state_folder.of_service(service, port, "json"))?;
        Ok(record.filter(|record| record.is_of(service, port)))
    }

    /// Reads what is recorded by now in this record's place.
    ///
    /// # Errors
    /// As [`ServerRecord::read`].
    pub(crate) fn reread(&self, state_folder: &StateFolder) -> io::Result<Option<Self>> {
        Self::read(state_folder, &self.service, self.port)
    }

    /// Reads the records of all servers in this network namespace, those that have ended among them, by port.
    ///
    /// # Errors
    /// When the folder or one of its records cannot be read.
    pub fn all(state_folder: &StateFolder) -> io::Result<Vec<Self>> {
        let (mut records, own) = (Vec::new(), port_who::own_network());
        for path in state_folder.records()? {
            records.extend(Self::load(&path)?.filter(|record| record.netns == own));
        }
        records.sort_by(|one, other| (one.port, &one.service).cmp(&(other.port, &other.service)));
        Ok(records)
    }

    /// Tells whether a server was started from this folder, or one of its services, as far as is remembered.
    ///
    /// # Errors
    /// As [`ServerRecord::all`].
    pub fn is_any_of_folder(state_folder: &StateFolder, folder: &Path) -> io::Result<bool> {
        Ok(Self::all(state_folder)?.iter().any(|record| record.service.folder == folder))
    }

    fn load(path: &Path) -> io::Result<Option<Self>> {
        let unreadable = |source: io::Error| {
            let kind = source.kind();
            io::Error::new(kind, Unreadable { path: path.to_owned(), source })
        };
        Ok(state_file::read(path).map_err(unreadable)?.and_then(|text| Self::parse(&text)))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(text).ok()?;
        (record.boot_id == process::boot_id().ok()?).then(|| record.read_here())
    }

    /// Another process may have written identities of the other kind. What cannot be told stays as it is.
    fn read_here(self) -> Self {
        let read = |given: Identity| given.as_read_here().unwrap_or(given);
        let all = |given: &[Identity]| given.iter().copied().map(read).collect();
        let (holders, acceptors) = (all(&self.holders), all(&self.acceptors));
        Self { supervisor: self.supervisor.map(read), holders, acceptors, ..self.with_identity(read(self.identity())) }
    }

    /// Puts the record in place: whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written; the one that was there before stays.
    pub fn write(&self, state_folder: &StateFolder) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let path = state_folder.of_service(&self.service, self.port, "json");
        state_file::write(&path, &text)?;
        if self.phase == Phase::Starting {
            // nothing is lost when they stay
            let _ = state_file::remove_leftovers(&path);
        }
        Ok(())
    }

    /// Notes what can be found out again, as far as the disk has room.
    ///
    /// # Errors
    /// As [`ServerRecord::write`], but for a full disk.
    pub(crate) fn note(&self, state_folder: &StateFolder) -> io::Result<()> {
        self.write(state_folder).or_else(|error| if state_file::is_full(&error) { Ok(()) } else { Err(error) })
    }

    /// Notes that somebody is about to stop the server, for those who want it up; where that cannot be written, a stop that is
    /// killed or interrupted goes unnoticed.
    #[must_use]
    pub(crate) fn being_stopped(self, state_folder: &StateFolder) -> Self {
        if self.is_being_stopped {
            return self;
        }
        let marked = Self { is_being_stopped: true, ..self };
        let _ = marked.write(state_folder);
        marked
    }

    /// Notes that nobody is any more: it could not be stopped.
    pub(crate) fn not_stopped(self, state_folder: &StateFolder) {
        let _ = Self { is_being_stopped: false, ..self }.write(state_folder);
    }

    /// Notes that the server was stopped. Its log, and the port that it had, are still known by this; where the disk has no
    /// room for it, that it ran must not stay.
    ///
    /// # Errors
    /// As [`ServerRecord::write`].
    pub(crate) fn stopped(&self, state_folder: &StateFolder) -> io::Result<()> {
        let stopped =
            Self { phase: Phase::Stopped, supervisor: None, reason: None, is_being_stopped: false, ..self.clone() };
        stopped
            .write(state_folder)
            .or_else(|error| if state_file::is_full(&error) { self.remove(state_folder) } else { Err(error) })
    }

    /// Removes the record.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub(crate) fn remove(&self, state_folder: &StateFolder) -> io::Result<()> {
        unless_deleted(fs::remove_file(state_folder.of_service(&self.service, self.port, "json")))
    }
}
