//! How a call ended: what was done about one server, or why it is not up.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use port_who::Holding;
use proc_tree::Signal;
use proc_tree::{Identity, cli::text};
use serde::{Deserialize, Serialize};

use crate::{
    FolderError, log::rotate::LogError, server::life::Ending, start::race::ReadyError, start::spawn::LaunchError,
};

/// What was done about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was started.
    Started,
    /// Another call was starting it; this one waited with it.
    Joined,
    /// It was up.
    Reused,
    /// It was up without a record, and is known again.
    Adopted,
    /// It was stopped and started.
    Restarted,
    /// Another program was stopped, and it was started.
    Replaced,
    /// It was stopped.
    Stopped,
    /// It is not up.
    Failed,
}

impl Action {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Joined => "joined",
            Self::Reused => "reused",
            Self::Adopted => "adopted",
            Self::Restarted => "restarted",
            Self::Replaced => "replaced",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// Tells whether this call brought the server up, so that it may stop it as well.
    pub fn is_start(self) -> bool {
        matches!(self, Self::Started | Self::Restarted | Self::Replaced)
    }
}

/// A server that is up.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was done.
    pub action: Action,
    /// The name it goes by.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// The process that was started, or that holds the port; `None` when its owner is invisible.
    pub identity: Option<Identity>,
    /// The processes that hold the port.
    pub pids: Vec<u32>,
    /// How long this call took until it was ready.
    pub took: Duration,
    /// Where it answers.
    pub url: String,
    /// Its log.
    pub log: Option<PathBuf>,
    /// How often its supervisor started it again.
    pub restarts: u32,
    /// By what it was known, when it was adopted.
    pub reason: Option<String>,
    /// What the caller should know besides.
    pub notes: Vec<String>,
}

/// A server that is not up, and why.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command ended before it was ready.
    #[error("{name} {ending} after {}, before it {missing}", proc_tree::cli::duration::elapsed(*after))]
    Ended {
        /// The command's name.
        name: String,
        /// How it ended.
        ending: Ending,
        /// When.
        after: Duration,
        /// What had not happened.
        missing: String,
        /// Its log.
        log: PathBuf,
    },
    /// The port is somebody else's.
    #[error("port {port} is held by another program")]
    Foreign {
        /// The port.
        port: u16,
        /// Its holders.
        holdings: Vec<Holding>,
    },
    /// No port of a range is left.
    #[error("every port of {0} is held by another program")]
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
    #[error("{name} was not ready on port {port} within {}: {what}", proc_tree::cli::duration::elapsed(*within))]
    Deadline {
        /// The command's name.
        name: String,
        /// The port.
        port: u16,
        /// The time it had.
        within: Duration,
        /// What was missing.
        what: String,
        /// Its log.
        log: Option<PathBuf>,
        /// Who holds the port, if it is somebody else.
        holdings: Vec<Holding>,
    },
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
    /// The command could not be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// What holds the port could not be stopped.
    #[error("cannot stop what holds port {port}: {what}")]
    NotStopped {
        /// The port.
        port: u16,
        /// What is left.
        what: String,
    },
    /// This tool was asked to end.
    #[error("interrupted by {0}")]
    Interrupted(Signal),
    /// The folders of records and logs cannot be used.
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
            Self::Ended { log, .. } => Some(log),
            Self::Definite { log, .. } | Self::Deadline { log, .. } | Self::Broken { log, .. } => log.as_deref(),
            _ => None,
        }
    }

    /// Returns the holders of the port that stand in the way.
    pub fn holdings(&self) -> &[Holding] {
        match self {
            Self::Foreign { holdings, .. } | Self::Deadline { holdings, .. } => holdings,
            _ => &[],
        }
    }
}

/// Measures one call.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    /// When to give up.
    pub deadline: Option<Instant>,
    limit: Duration,
}

impl Clock {
    /// Starts to measure; without a limit there is no deadline.
    pub fn start(limit: Option<Duration>) -> Self {
        let started = Instant::now();
        let deadline = limit.and_then(|limit| started.checked_add(limit));
        Self { started, deadline, limit: limit.unwrap_or_default() }
    }

    /// Returns how long the call has taken.
    pub fn took(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how long it may take.
    pub fn limit(&self) -> Duration {
        self.limit
    }
}
