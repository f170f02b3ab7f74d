//! What is kept about a server that was started or adopted: enough to know it again, and nothing that is believed blindly.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use health_wait::ProbeOptions;
use proc_tree::{Identity, process};
use serde::{Deserialize, Serialize};

use crate::{
    Service,
    server::{folder::Folders, state_file},
};

/// How far a server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It was started and nobody has found it ready yet.
    Starting,
    /// It was ready once.
    Ready,
    /// Its supervisor waits before it starts it again.
    Waiting,
    /// Its supervisor gave up: the circuit breaker is open.
    Broken,
    /// It ended by itself as it should, and its supervisor with it.
    Finished,
}

/// One server of this user, by its port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// The name that it goes by.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// The process that was started: the server, or what starts it.
    pub pid: u32,
    /// When that process started.
    pub start_id: u64,
    /// The boot in which both mean something.
    pub boot_id: String,
    /// How far it has come.
    pub phase: Phase,
    /// The command line; invalid UTF-8 is replaced.
    pub command: Vec<String>,
    /// The folder it was started in.
    #[serde(with = "crate::server::path_text")]
    pub cwd: PathBuf,
    /// A fingerprint of the environment that was asked for, without its secrets.
    pub environment: u64,
    /// Where its output goes; `None` for one that was adopted.
    #[serde(with = "crate::server::path_text::optional")]
    pub log: Option<PathBuf>,
    /// The health target that was asked for: a path or a whole target.
    pub health: Option<String>,
    /// How health is asked for.
    pub probe: ProbeOptions,
    /// The signal that ends it; `None` for what suits the program.
    pub stop_signal: Option<String>,
    /// How long it may take to end, in milliseconds.
    pub grace_ms: u64,
    /// How often it was started again.
    pub restarts: u32,
    /// The process that starts it again.
    pub supervisor: Option<Identity>,
    /// Why it is broken, or how it ended last.
    pub reason: Option<String>,
    /// The names of the services that it needs.
    pub depends_on: Vec<String>,
}

impl ServerRecord {
    /// Describes a server that is on its way up; `pid` is 0 as long as there is no process.
    pub(crate) fn starting(service: &Service, port: u16, identity: Option<Identity>, log: Option<&Path>) -> Self {
        let Identity { pid, start_id } = identity.unwrap_or(Identity { pid: 0, start_id: 0 });
        Self {
            name: service.name(),
            port,
            pid,
            start_id,
            boot_id: process::boot_id().unwrap_or_default(),
            phase: Phase::Starting,
            command: words(service, port),
            cwd: service.cwd.clone(),
            environment: service.environment_fingerprint(),
            log: log.map(Path::to_path_buf),
            health: service.health(port),
            probe: service.spec.probe.clone(),
            stop_signal: service.spec.stop_signal.map(|signal| signal.to_string()),
            grace_ms: u64::try_from(service.spec.grace.as_millis()).unwrap_or(u64::MAX),
            restarts: 0,
            supervisor: None,
            reason: None,
            depends_on: service.spec.depends_on.clone(),
        }
    }

    /// Reads the record of a port; `None` where there is none that can be believed.
    ///
    /// Cut short, from another boot, not ours, a link: whatever is wrong with it, it only means that there is no record.
    pub fn read(folders: &Folders, port: u16) -> Option<Self> {
        let record = Self::parse(&state_file::read(&path(folders, port)).ok().flatten()?)?;
        (record.port == port).then_some(record)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(text).ok()?;
        (record.boot_id == process::boot_id().ok()?).then(|| record.read_here())
    }

    /// Another process may have written identities of the other kind. What cannot be told stays as it is.
    fn read_here(self) -> Self {
        let read = |given: Identity| given.as_read_here().unwrap_or(given);
        Self { supervisor: self.supervisor.map(read), ..self.with_identity(read(self.identity())) }
    }

    /// Returns which process it is about, whether that runs or not.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_id: self.start_id }
    }

    /// Returns the record with the process that stands for the server by now.
    #[must_use]
    pub fn with_identity(&self, identity: Identity) -> Self {
        Self { pid: identity.pid, start_id: identity.start_id, ..self.clone() }
    }

    /// Returns the process, if it still runs as far as can be told.
    pub fn running(&self) -> Option<Identity> {
        Some(self.identity()).filter(|process| process.is_running().unwrap_or(true))
    }

    /// Returns the supervisor, if it still runs as far as can be told.
    pub fn running_supervisor(&self) -> Option<Identity> {
        self.supervisor.filter(|supervisor| supervisor.is_running().unwrap_or(true))
    }

    /// Returns how long the server may take to end.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    /// Puts the record in place: whole or not at all.
    ///
    /// That of a server that is about to run is on the disk when this returns. What is noted later can be found out again,
    /// and a caller waits for it: that is left to the system.
    ///
    /// # Errors
    /// When it cannot be written; the one that was there before stays.
    pub fn write(&self, folders: &Folders) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let path = path(folders, self.port);
        if self.phase == Phase::Starting {
            state_file::write_durably(&path, &text)
        } else {
            state_file::write(&path, &text)
        }
    }

    /// Removes the record of a port if it is about one of these: another call may have put a new server there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove_of(folders: &Folders, port: u16, stopped: &[Identity]) -> io::Result<()> {
        match Self::read(folders, port) {
            Some(record) if stopped.contains(&record.identity()) => Self::remove(folders, port),
            _ => Ok(()),
        }
    }

    /// Removes the record of a port, if there is one.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(folders: &Folders, port: u16) -> io::Result<()> {
        match std::fs::remove_file(path(folders, port)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Lists the ports of which there is a record file, whatever is in it, in ascending order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn ports(folders: &Folders) -> io::Result<Vec<u16>> {
        let mut ports = Vec::new();
        for entry in std::fs::read_dir(&folders.runtime)? {
            let name = entry?.file_name();
            ports.extend(name.to_str().and_then(|name| name.strip_suffix(".json")?.parse::<u16>().ok()));
        }
        ports.sort_unstable();
        Ok(ports)
    }
}

fn path(folders: &Folders, port: u16) -> PathBuf {
    folders.file(&port.to_string(), "json")
}

/// Returns the command for the port as a record keeps it.
pub(crate) fn words(service: &Service, port: u16) -> Vec<String> {
    service.command(port).iter().map(|word| word.to_string_lossy().into_owned()).collect()
}
