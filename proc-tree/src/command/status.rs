//! How the tool ends.

use std::process::ExitCode;

use proc_tree::Signal;
use proc_tree::{cli::signals, selection};

/// The tool's own exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// It was done.
    Done = 0,
    /// No given process exists, or a limit was exceeded.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The tool could not do its work.
    Failed = 125,
    /// CMD could not be executed.
    NotExecutable = 126,
    /// CMD was not found.
    NotFound = 127,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "done"),
        ("1", "no given process exists, or a limit was exceeded"),
        ("2", "usage: a bad flag, PID, duration, size or line of stdin; nothing was done"),
        ("125", "proc-tree itself could not do its work"),
        ("126, 127", "CMD could not be executed, or was not found"),
        ("else", "CMD's own; a signal that ends CMD, or proc-tree, ends proc-tree by that same signal"),
    ];

    /// Tells which status a failure ends with.
    pub(crate) fn from_error(error: &anyhow::Error) -> Self {
        if error.is::<selection::InvalidLine>() || error.is::<UsageError>() {
            Self::Usage
        } else if let Some(error) = error.downcast_ref::<CannotRun>() {
            error.status()
        } else {
            Self::Failed
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Arguments that are wrong together.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct UsageError {
    pub(crate) what: &'static str,
    pub(crate) hint: &'static str,
}

/// CMD did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot execute {command}")]
pub(crate) struct CannotRun {
    pub(crate) command: String,
    #[source]
    pub(crate) error: std::io::Error,
}

impl CannotRun {
    fn status(&self) -> Status {
        if self.error.kind() == std::io::ErrorKind::NotFound { Status::NotFound } else { Status::NotExecutable }
    }
}

/// How the tool ends: with a status of its own, as CMD did, or by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Status(Status),
    Command(u8),
    Signal(Signal),
}

impl From<Status> for Ending {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl Ending {
    /// Ends by the signal if it is one; otherwise tells the status to exit with.
    pub(crate) fn end(self) -> ExitCode {
        match self {
            Self::Status(status) => status.into(),
            Self::Command(code) => code.into(),
            Self::Signal(signal) => {
                signals::die_by(signal);
                // this signal ends no process: say what a shell would
                ExitCode::from(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX))
            }
        }
    }
}
