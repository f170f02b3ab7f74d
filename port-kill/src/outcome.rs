//! What came of it: for each process, and for each port.

use std::time::Duration;

use port_who::{Holding, Protocol};
use proc_tree::{Facts, Signal, users};
use serde::{Serialize, Serializer};

use crate::hint::Hint;

/// Why a process has to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It was asked for: it holds the port.
    Holder,
    /// It descends from a holder.
    Descendant,
    /// It would start the holder again, and stops it when it is stopped itself.
    Supervisor,
}

/// What came of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ended after the signal.
    Terminated,
    /// It ended after SIGKILL.
    Killed,
    /// There was nothing to signal: it had ended, or held the port no more.
    Gone,
    /// It runs and holds no port.
    NoPort,
    /// It is not signalled: the tool itself, an ancestor of it, the first process, a container's forwarder, a thread, one
    /// that is in another network.
    Refused,
    /// It may not be signalled, or cannot be seen.
    Denied,
    /// It lives on.
    Survived,
    /// It would have been signalled.
    WouldSignal,
}

impl Outcome {
    /// Returns the word for it, as in the records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Terminated => "terminated",
            Self::Killed => "killed",
            Self::Gone => "gone",
            Self::NoPort => "no-port",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Survived => "survived",
            Self::WouldSignal => "would-signal",
        }
    }

    /// Tells whether the process was ended by this call.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Terminated | Self::Killed)
    }
}

/// What came of one process on one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Process", deny_unknown_fields))]
pub struct ProcessOutcome {
    /// The port that it was about; null for a process from standard input that held none.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// The process ID; null where the owner of the port cannot be seen.
    pub pid: Option<u32>,
    /// Which of the processes that have, had or will have this PID: opaque; null where it is not known.
    pub start_id: Option<u64>,
    /// The process name; null where it is not known.
    pub name: Option<String>,
    /// Why it has to do with the port.
    pub role: Role,
    /// What came of it.
    pub outcome: Outcome,
    /// The last signal that it was, or would be, sent; null where it was sent none.
    #[serde(serialize_with = "signal_name")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub signal: Option<Signal>,
    /// From the first signal to the end, or to the end of the wait, in milliseconds; null where there was no signal.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub elapsed: Option<Duration>,
    /// What there is to say of the outcome; null where it says all.
    pub reason: Option<String>,
    /// The signal that came before the last, where it was not enough.
    #[serde(skip)]
    pub unanswered: Option<Signal>,
    /// Its memory before it was signalled, in bytes.
    #[serde(skip)]
    pub memory: Option<u64>,
}

impl ProcessOutcome {
    /// Starts from a port, where one is known, and an outcome; all else is unknown.
    pub(crate) fn of_port(port: impl Into<Option<u16>>, outcome: Outcome) -> Self {
        Self {
            port: port.into(),
            pid: None,
            start_id: None,
            name: None,
            role: Role::Holder,
            outcome,
            signal: None,
            elapsed: None,
            reason: None,
            unanswered: None,
            memory: None,
        }
    }
}

/// What came of one port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Port", deny_unknown_fields))]
pub struct PortOutcome {
    /// The port.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: u16,
    /// The transport protocol; null where none was asked for and nothing held it or keeps it up.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = [Protocol::Tcp, Protocol::Udp, ()])))]
    pub protocol: Option<Protocol>,
    /// Whether the kernel says that nobody listens on it and a server can bind it now.
    pub free: bool,
    /// Why it is not free, or that nothing was listening; null where there is nothing to say.
    pub reason: Option<String>,
    /// Who holds it or, where nobody listens and it is not free all the same, who else is seen to use it.
    pub held_by: Vec<Holder>,
    /// Whether it is held by those alone whom a filter left out: nobody asked for them.
    #[serde(skip)]
    pub left_alone: bool,
    /// Whether nobody listens and something else keeps a server from it: that is no matter of this call.
    #[serde(skip)]
    pub in_use: bool,
}

/// Who holds a port at the end; all but the user is unknown where the owner cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Holder {
    /// The process ID; null where the owner cannot be seen.
    pub pid: Option<u32>,
    /// Which of the processes that have, had or will have this PID: opaque; null where it is not known.
    pub start_id: Option<u64>,
    /// The process name; null where the owner cannot be seen.
    pub name: Option<String>,
    /// The user of the process, or of the socket; null where the system knows no name.
    pub user: Option<String>,
}

impl Holder {
    /// Names a holder, or whose socket it is where no owner is visible.
    pub(crate) fn of(holding: &Holding) -> Self {
        match &holding.process {
            Some(process) => Self::of_process(process),
            None => Self { pid: None, start_id: None, name: None, user: holding.socket.uid.and_then(users::name) },
        }
    }

    fn of_process(process: &Facts) -> Self {
        Self {
            pid: Some(process.pid),
            start_id: Some(process.start_id),
            name: Some(process.name.clone()),
            user: process.user(),
        }
    }
}

/// All that came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Each process on each port.
    pub processes: Vec<ProcessOutcome>,
    /// Each port that was held, and each that was named by itself.
    pub ports: Vec<PortOutcome>,
    /// What the user could do next.
    pub hints: Vec<Hint>,
    /// The texts of what was asked for and held by nobody.
    pub unheld: Vec<String>,
}

impl Report {
    /// Tells whether nobody who was asked for holds a port any more, or would start its holder again: also what a process
    /// holds of which nothing can be seen counts.
    pub fn is_free(&self) -> bool {
        let lives = |outcome| matches!(outcome, Outcome::Denied | Outcome::Refused | Outcome::Survived);
        let holds_again = |process: &ProcessOutcome| match process.role {
            Role::Holder => process.port.is_none() && matches!(process.outcome, Outcome::Denied | Outcome::Refused),
            Role::Supervisor => lives(process.outcome),
            Role::Descendant => false,
        };
        self.ports.iter().all(|port| port.free || port.left_alone || port.in_use)
            && !self.processes.iter().any(holds_again)
    }

    /// Adds a hint, once.
    pub(crate) fn hint(&mut self, hint: Hint) {
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn signal_name<S: Serializer>(signal: &Option<Signal>, serializer: S) -> Result<S::Ok, S::Error> {
    signal.map(Signal::name).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn milliseconds<S: Serializer>(elapsed: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| elapsed.as_millis()).serialize(serializer)
}
