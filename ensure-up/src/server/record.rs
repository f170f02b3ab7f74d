//! What is kept about a server that was started or adopted: enough to know it again, and nothing that is believed blindly.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use health_wait::ProbeOptions;
use proc_tree::{Identity, cli::text, process};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    acceptors,
    end::End,
    folder::Folders,
    holding::Holding,
    started::{self, Started, Variables},
    state_file,
};
use crate::{Port, Service, health::deserted::Deserted, service::id::ServiceId, start::clock};

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
    /// It ended by itself and was not to be started again, and its supervisor with it.
    Finished,
    /// It was stopped because nobody used it.
    Idle,
    /// It did not come up.
    Failed,
    /// It was stopped on purpose.
    Stopped,
}

/// One server of this user, by its service and its port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// Which service it is.
    pub service: ServiceId,
    /// The name that it goes by.
    pub name: String,
    /// Its port; `None` for one without.
    pub port: Option<Port>,
    /// The network namespace that the port is in, where there are any.
    pub netns: Option<u64>,
    /// The process that was started: the server, or what starts it.
    pub pid: u32,
    /// When that process started.
    pub start_id: u64,
    /// The boot in which both mean something.
    pub boot_id: String,
    /// How far it has come.
    pub phase: Phase,
    /// The processes that held the port when it became ready, or were the server where there is none.
    pub holders: Vec<Identity>,
    /// Those of them that accepted, where others held the socket for them.
    #[serde(default)]
    pub acceptors: Vec<Identity>,
    /// The command line; invalid UTF-8 is replaced.
    pub command: Vec<String>,
    /// A fingerprint of the command as it was asked for.
    pub fingerprint: u64,
    /// The folder it was started in.
    #[serde(with = "crate::server::path_text")]
    pub cwd: PathBuf,
    /// The variables that were set, with a fingerprint of each value: no secrets.
    pub environment: Variables,
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
    /// How often it was started again after it had ended, or hung.
    pub restarts: u32,
    /// How often it was started again because a file had changed.
    pub reloads: u32,
    /// The process that starts it again.
    pub supervisor: Option<Identity>,
    /// How it ended, if it is not to be started again.
    pub end: Option<End>,
    /// Why it is broken, or how it ended last.
    pub reason: Option<String>,
    /// Whether it is a job: up once it has ended with status 0.
    #[serde(default)]
    pub once: bool,
    /// What was asked for, whole: it holds what is secret, and is for this user's eyes as the whole record is.
    #[serde(default)]
    pub asked: Option<Value>,
    /// The names of the services that it needs.
    pub depends_on: Vec<String>,
}

/// Says where a server is: ` on port 8000`; nothing where it has none.
pub(crate) fn on_port(port: Option<Port>) -> String {
    port.map_or_else(String::new, |port| format!(" on port {port}"))
}

/// Which record cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}", text::path(path))]
struct Unreadable {
    path: PathBuf,
    source: io::Error,
}

impl ServerRecord {
    /// Describes a server that is on its way up; `pid` is 0 as long as there is no process.
    pub(crate) fn starting(
        service: &Service,
        port: Option<Port>,
        identity: Option<Identity>,
        log: Option<&Path>,
    ) -> Self {
        let Identity { pid, start_id } = identity.unwrap_or(Identity { pid: 0, start_id: 0 });
        let started = Started::of(service, port);
        Self {
            service: started.service,
            name: service.name(),
            port,
            netns: port_who::own_network(),
            pid,
            start_id,
            boot_id: process::boot_id().unwrap_or_default(),
            phase: Phase::Starting,
            holders: Vec::new(),
            acceptors: Vec::new(),
            command: started::words(service, port),
            fingerprint: started.command,
            cwd: started.cwd,
            environment: started.environment,
            log: log.map(Path::to_path_buf),
            health: service.health(port),
            probe: service.spec.probe.clone(),
            stop_signal: service.spec.stop_signal.map(|signal| signal.to_string()),
            grace_ms: u64::try_from(service.spec.grace.as_millis()).unwrap_or(u64::MAX),
            restarts: 0,
            reloads: 0,
            supervisor: None,
            end: None,
            reason: None,
            once: service.spec.once,
            asked: Some(service.asked(port)),
            depends_on: service.spec.depends_on.clone(),
        }
    }

    /// Describes the server of a service of which nothing is recorded.
    pub fn expected(service: &Service) -> Self {
        Self { phase: Phase::Stopped, ..Self::starting(service, service.port(), None, None) }
    }

    /// Names it for people: `shop (folder /home/dev/shop)`.
    pub fn title(&self) -> String {
        self.started().title()
    }

    /// Returns what a supervisor of it is called by: its port, or its name where it has none.
    pub(crate) fn key(&self) -> String {
        self.port.map_or_else(|| self.name.clone(), |port| port.to_string())
    }

    /// Says where it is: ` on port 8000`, or nothing.
    pub fn on_port(&self) -> String {
        on_port(self.port)
    }

    /// Returns what it was started as.
    pub(crate) fn started(&self) -> Started {
        Started {
            service: self.service.clone(),
            program: self.name.clone(),
            port: self.port,
            command: self.fingerprint,
            cwd: self.cwd.clone(),
            environment: self.environment.clone(),
        }
    }

    /// Reads the record of a service's server on a port; `None` where there is none that can be believed.
    ///
    /// Cut short, from another boot, not ours, a link: whatever is wrong with it, it only means that there is no record.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn read(folders: &Folders, service: &ServiceId, port: Option<Port>) -> io::Result<Option<Self>> {
        let record = Self::load(&folders.of_service(service, port, "json"))?;
        Ok(record.filter(|record| record.is_of(service, port)))
    }

    /// Tells whether it is about a service's server on a port.
    pub(crate) fn is_of(&self, service: &ServiceId, port: Option<Port>) -> bool {
        self.service == *service && self.port == port
    }

    /// Reads what is recorded by now in this record's place.
    ///
    /// # Errors
    /// As [`ServerRecord::read`].
    pub fn reread(&self, folders: &Folders) -> io::Result<Option<Self>> {
        Self::read(folders, &self.service, self.port)
    }

    /// Reads the records of all servers in this network namespace, those that have ended among them, by port.
    ///
    /// # Errors
    /// When the folder or one of its records cannot be read.
    pub fn all(folders: &Folders) -> io::Result<Vec<Self>> {
        let (mut records, own) = (Vec::new(), port_who::own_network());
        for path in folders.records()? {
            records.extend(Self::load(&path)?.filter(|record| record.netns == own));
        }
        records.sort_by(|one, other| (one.port, &one.service).cmp(&(other.port, &other.service)));
        Ok(records)
    }

    /// Tells whether a server was started from this folder, or one of its services, as far as is remembered.
    ///
    /// # Errors
    /// As [`ServerRecord::all`].
    pub fn is_any_of_folder(folders: &Folders, folder: &Path) -> io::Result<bool> {
        Ok(Self::all(folders)?.iter().any(|record| record.service.folder == folder))
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
        let holders = self.holders.iter().copied().map(read).collect();
        Self { supervisor: self.supervisor.map(read), holders, ..self.with_identity(read(self.identity())) }
    }

    /// Returns which process it is about, whether that runs or not.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_id: self.start_id }
    }

    /// Returns the record of a server that was just found ready, with those that hold its port.
    #[must_use]
    pub(crate) fn ready(&self, holdings: &[Holding]) -> Self {
        let (holders, acceptors) = (acceptors::identities(holdings), acceptors::of(holdings));
        Self { phase: Phase::Ready, holders, acceptors, reason: None, ..self.clone() }
    }

    /// Tells whether these holders of its port may be left of those that served.
    pub(crate) fn deserted(&self, holdings: &[Holding]) -> Option<Deserted> {
        let is_gone = acceptors::are_gone(&self.holders, &self.acceptors, &acceptors::identities(holdings));
        let acceptor = *self.acceptors.first().filter(|_| is_gone)?;
        Some(Deserted { port: self.port?, acceptor })
    }

    /// Returns the record of a server that has ended just now and is not started again; says how.
    #[must_use]
    pub(crate) fn finished(&self, end: End, how: &str) -> Self {
        // of a failure the end of the log tells more
        let reason = if end == End::Exited(0) { format!("{how} at {}", clock::now()) } else { how.to_owned() };
        Self { phase: Phase::Finished, end: Some(end), reason: Some(reason), ..self.clone() }
    }

    /// Tells whether it is a job that is done.
    pub(crate) fn is_done(&self) -> bool {
        self.once && self.phase == Phase::Finished && self.end == Some(End::Exited(0))
    }

    /// Returns the record with the process that stands for the server by now.
    #[must_use]
    pub fn with_identity(&self, identity: Identity) -> Self {
        Self { pid: identity.pid, start_id: identity.start_id, ..self.clone() }
    }

    /// Returns the processes that are recorded: the one that was started, and those that held the port when it was ready.
    pub(crate) fn roots(&self) -> Vec<Identity> {
        let main = Some(self.identity()).filter(|main| main.pid != 0);
        let others = self.holders.iter().copied().filter(|holder| Some(*holder) != main);
        main.into_iter().chain(others).collect()
    }

    /// Returns the process, if it still runs, else the first of those that held the port that does.
    ///
    /// # Errors
    /// When a process cannot be looked at, which does not mean that it has ended.
    pub fn running(&self) -> io::Result<Option<Identity>> {
        for root in self.roots() {
            if root.is_running()? {
                return Ok(Some(root));
            }
        }
        Ok(None)
    }

    /// Tells whether one of these processes is the server's.
    pub fn is_any_of(&self, processes: &[Identity]) -> bool {
        self.roots().iter().any(|root| processes.contains(root))
    }

    /// Tells whether its supervisor was to listen for it.
    pub(crate) fn holds_socket(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| !asked["hold_socket"].is_null())
    }

    /// Returns the supervisor, if it still runs.
    ///
    /// # Errors
    /// As [`ServerRecord::running`].
    pub fn running_supervisor(&self) -> io::Result<Option<Identity>> {
        let Some(supervisor) = self.supervisor else { return Ok(None) };
        Ok(supervisor.is_running()?.then_some(supervisor))
    }

    /// Tells whether it, or what starts it again, runs.
    ///
    /// # Errors
    /// As [`ServerRecord::running`].
    pub(crate) fn is_alive(&self) -> io::Result<bool> {
        Ok(self.running()?.is_some() || self.running_supervisor()?.is_some())
    }

    /// Tells whether it was not stopped, and it or what starts it again runs.
    ///
    /// # Errors
    /// As [`ServerRecord::running`].
    pub fn is_up(&self) -> io::Result<bool> {
        Ok(self.phase != Phase::Stopped && self.is_alive()?)
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
        let path = folders.of_service(&self.service, self.port, "json");
        if self.phase == Phase::Starting {
            state_file::write_durably(&path, &text)
        } else {
            state_file::write(&path, &text)
        }
    }

    /// Notes what can be found out again, as far as the disk has room.
    ///
    /// # Errors
    /// As [`ServerRecord::write`], but for a full disk.
    pub(crate) fn note(&self, folders: &Folders) -> io::Result<()> {
        self.write(folders).or_else(|error| if state_file::is_full(&error) { Ok(()) } else { Err(error) })
    }

    /// Notes that the server was stopped. Its log, and the port that it had, are still known by this; where the disk has no
    /// room for it, that it ran must not stay.
    ///
    /// # Errors
    /// As [`ServerRecord::write`].
    pub(crate) fn stopped(&self, folders: &Folders) -> io::Result<()> {
        let stopped = Self { phase: Phase::Stopped, supervisor: None, reason: None, ..self.clone() };
        stopped
            .write(folders)
            .or_else(|error| if state_file::is_full(&error) { self.remove(folders) } else { Err(error) })
    }

    /// Removes the record.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub(crate) fn remove(&self, folders: &Folders) -> io::Result<()> {
        match std::fs::remove_file(folders.of_service(&self.service, self.port, "json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
