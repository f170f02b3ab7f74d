//! How the tool ends.

use proc_tree::{
    cli::{
        execution::CannotExecute,
        status::{Exit, UsageError},
    },
    selection::InvalidInput,
};

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
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<UsageError>() || error.is::<InvalidInput>() {
            Self::Usage
        } else if let Some(refused) = error.downcast_ref() {
            if matches!(refused, CannotExecute::NotFound(_)) { Self::NotFound } else { Self::NotExecutable }
        } else {
            Self::Failed
        }
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        Self::Code(status as u8)
    }
}
