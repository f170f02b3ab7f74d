//! Why a server is not up.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use proc_tree::{
    Signal,
    cli::{duration, text},
};

use crate::{
    FolderError, Port,
    log::rotate::LogError,
    server::{
        end::End,
        holding::Holding,
        part::{self, Part},
        record,
    },
    start::{launch_error::LaunchError, ready_error::ReadyError},
};

/// A server that is not up, and why.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command ended before it was ready.
    #[error("{name} {end}{}{}", lived(*after), before(missing.as_deref()))]
    Ended {
        /// The command's name.
        name: String,
        /// How it ended.
        end: End,
        /// How long it had lived, where that is known.
        after: Option<Duration>,
        /// What had not happened; nothing more is missing of a job that ends.
        missing: Option<String>,
        /// Its log.
        log: PathBuf,
    },
    /// The service's server is up, but not as it is asked for.
    #[error("{name} is up{}, but not as asked: it was started with {}", record::on_port(*port), part::words(differs))]
    Changed {
        /// The service's name.
        name: String,
        /// Its port.
        port: Option<Port>,
        /// In what it differs.
        differs: Vec<Part>,
        /// Who holds the port.
        holdings: Vec<Holding>,
    },
    /// The port is another service's.
    #[error("port {port} is held by another service of yours: {service}")]
    Another {
        /// The port.
        port: Port,
        /// Its name and its folder.
        service: String,
        /// What names it to --stop: the port that it was started for, or its name.
        at: String,
        /// The port's holders.
        holdings: Vec<Holding>,
    },
    /// The port is somebody else's.
    #[error("port {port} is held by {}", program(differs))]
    Foreign {
        /// The port.
        port: Port,
        /// Its holders.
        holdings: Vec<Holding>,
        /// In what it differs from the server that is asked for, as far as it can be told.
        differs: Vec<Part>,
    },
    /// Another program listens beside the service's server where that is asked.
    #[error("port {port} is shared with another program, which gets connections that are meant for the server")]
    Shared {
        /// The port.
        port: Port,
        /// The sockets of the other program.
        holdings: Vec<Holding>,
    },
    /// No port of a range is left.
    #[error("no port of {0} is free")]
    NoneFree(String),
    /// It said itself that it failed.
    #[error("{name} failed: {why}")]
    Definite {
        /// The command's name.
        name: String,
        /// What it said.
        why: String,
        /// Its log.
        log: Option<PathBuf>,
    },
    /// The deadline passed.
    #[error("{name} was not ready{} within {}: {what}", record::on_port(*port), duration::elapsed(*within))]
    Deadline {
        /// The command's name.
        name: String,
        /// The port.
        port: Option<Port>,
        /// The time it had.
        within: Duration,
        /// What was missing.
        what: String,
        /// Its log.
        log: Option<PathBuf>,
        /// Who holds the port, if it is somebody else.
        holdings: Vec<Holding>,
    },
    /// The deadline passed, and its supervisor could do nothing: somebody halted it.
    #[error("{name} was not ready{} within {}: {what}", record::on_port(*port), duration::elapsed(*within))]
    Halted {
        /// The command's name.
        name: String,
        /// The port.
        port: Option<Port>,
        /// The time it had.
        within: Duration,
        /// What became of the server, and of its supervisor.
        what: String,
        /// The supervisor's PID.
        supervisor: u32,
    },
    /// The command of a server that is on its way up asks for that server.
    #[error("{0} would wait for itself: its own command asks for it while it comes up")]
    Itself(String),
    /// Its supervisor gave up.
    #[error("{name} is broken: {reason}")]
    Broken {
        /// The command's name.
        name: String,
        /// Why.
        reason: String,
        /// Its log.
        log: Option<PathBuf>,
    },
    /// The socket that is to be held for the server cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The socket's address.
        address: SocketAddr,
        /// Why not.
        why: String,
    },
    /// The command could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Something of a server could not be stopped; who that is, and why.
    #[error("cannot stop {0}")]
    Left(String),
    /// A server is not up, and there is more to say about how it was stopped.
    #[error("{failure}; {stopped}")]
    Stopped {
        /// Why it is not up.
        failure: Box<Self>,
        /// What is left of it, or had to be killed.
        stopped: String,
    },
    /// What was to be stopped has ended, or may not be stopped, and somebody holds its port.
    #[error("port {port} is still held by {by}")]
    StillHeld {
        /// The port.
        port: Port,
        /// Who has it.
        by: String,
    },
    /// A supervisor ended before it had started the server; what it said last.
    #[error("the supervisor has ended: {0}")]
    Supervisor(String),
    /// This tool was asked to end.
    #[error("interrupted by {0}")]
    Interrupted(Signal),
    /// The folder of records and logs cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file of the state folder cannot be used.
    #[error("cannot {what} {}", text::path(path))]
    State {
        /// What was to be done with it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It could not be found out whether it is up.
    #[error(transparent)]
    Ready(#[from] ReadyError),
    /// Something else of the system's failed.
    #[error("cannot {what}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

fn lived(after: Option<Duration>) -> String {
    after.map_or_else(String::new, |after| format!(" after {}", duration::elapsed(after)))
}

fn before(missing: Option<&str>) -> String {
    missing.map_or_else(String::new, |missing| format!(", before it {missing}"))
}

/// Names a program that is not ours: one that runs our command is told by what differs all the same.
fn program(differs: &[Part]) -> String {
    if differs.is_empty() || differs.contains(&Part::Command) {
        return "another program".into();
    }
    format!("a program that runs the same command with {}", part::words(differs))
}

impl Failure {
    /// Makes the failure to do something with a file of the state folder.
    pub(crate) fn state(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::State { what, path: path.to_owned(), source }
    }

    /// Makes a failure of the system.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// Returns the log whose end tells more.
    pub fn log(&self) -> Option<&Path> {
        match self {
            Self::Stopped { failure, .. } => failure.log(),
            Self::Ended { log, .. } => Some(log),
            Self::Definite { log, .. } | Self::Deadline { log, .. } | Self::Broken { log, .. } => log.as_deref(),
            _ => None,
        }
    }

    /// Returns in what the server that is there differs from the one that is asked for.
    pub fn differs(&self) -> &[Part] {
        match self {
            Self::Stopped { failure, .. } => failure.differs(),
            Self::Changed { differs, .. } | Self::Foreign { differs, .. } => differs,
            _ => &[],
        }
    }

    /// Returns the holders of the port that stand in the way.
    pub fn holdings(&self) -> &[Holding] {
        match self {
            Self::Stopped { failure, .. } => failure.holdings(),
            Self::Changed { holdings, .. }
            | Self::Another { holdings, .. }
            | Self::Foreign { holdings, .. }
            | Self::Shared { holdings, .. }
            | Self::Deadline { holdings, .. } => holdings,
            _ => &[],
        }
    }
}
