//! What is kept about a server that was started or adopted: enough to know it again, and nothing that is believed blindly.

mod file;
mod processes;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use health_wait::ProbeOptions;
use proc_tree::{Identity, process};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    acceptors,
    end::End,
    halted::is_halted,
    holding::Holding,
    phase::Phase,
    port,
    started::{self, Started, Variables},
};
use crate::{
    Port, Service,
    health::deserted::Deserted,
    service::{id::ServiceId, word},
    start::clock,
};

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
    /// Those of them that were seen to accept; all of them where that could not be told.
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
    /// The health targets that were asked for: each a path or a whole target.
    #[serde(default, deserialize_with = "word::one_or_more")]
    pub health: Vec<String>,
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
    /// Whether a call, or its supervisor, has begun to stop it. When nobody does that any more, whoever did was killed or interrupted:
    /// what is there may be about to end, or be halted.
    #[serde(default)]
    pub is_being_stopped: bool,
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
            boot_id: process::boot_id().unwrap_or_default().to_owned(),
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
            is_being_stopped: false,
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

    /// Tells whether it is about a service's server on a port.
    pub(crate) fn is_of(&self, service: &ServiceId, port: Option<Port>) -> bool {
        self.service == *service && self.port == port
    }

    /// Returns which process it is about, whether that runs or not.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_id: self.start_id }
    }

    /// Returns the record of a server that was just found ready, with those that hold its port and those of them that accept.
    #[must_use]
    pub(crate) fn ready(&self, holdings: &[Holding], acceptors: Vec<Identity>) -> Self {
        let holders = Holding::identities(holdings);
        Self { phase: Phase::Ready, holders, acceptors, reason: None, is_being_stopped: false, ..self.clone() }
    }

    /// Tells whether these processes of it may serve nobody: they are left of those that did, or those are halted.
    pub(crate) fn deserted(&self, holdings: &[Holding]) -> Option<Deserted> {
        let now = Holding::identities(holdings);
        if acceptors::are_gone(&self.holders, &self.acceptors, &now) {
            return self.listener(holdings).map(Deserted::Left);
        }
        let mut halted = acceptors::among(&now, &self.acceptors).into_iter();
        let first = halted.next().filter(|first| is_halted(*first))?;
        halted.all(is_halted).then_some(Deserted::Halted(first.pid))
    }

    /// Tells whether these holders of its port may be nothing but what it has left behind: it was ready, and what was started
    /// and all that were seen to accept have ended.
    ///
    /// # Errors
    /// When a process cannot be looked at.
    pub(crate) fn left_behind(&self, holdings: &[Holding]) -> io::Result<Option<Deserted>> {
        let mut runs = self.phase == Phase::Starting;
        for one in self.acceptors.iter().copied().chain([self.identity()]) {
            runs = runs || one.is_running()?;
        }
        Ok(self.listener(holdings).filter(|_| !runs).map(Deserted::Left))
    }

    fn listener(&self, holdings: &[Holding]) -> Option<SocketAddr> {
        port::listener(holdings).filter(|_| self.port.is_some_and(|port| !port.is_udp()))
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
    pub(crate) fn with_identity(&self, identity: Identity) -> Self {
        Self { pid: identity.pid, start_id: identity.start_id, ..self.clone() }
    }

    /// Returns the record of a server that is started again: of the one before nobody is left.
    #[must_use]
    pub(crate) fn starting_again(self) -> Self {
        Self { phase: Phase::Starting, holders: Vec::new(), acceptors: Vec::new(), ..self }
    }

    /// Tells whether the process that it names was found ready since it was started.
    pub(crate) fn was_ready(&self) -> bool {
        self.phase == Phase::Ready || !self.holders.is_empty()
    }

    /// Tells whether its supervisor was to listen for it.
    pub(crate) fn holds_socket(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| !asked["hold_socket"].is_null())
    }

    /// Returns how long the server may take to end.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}
