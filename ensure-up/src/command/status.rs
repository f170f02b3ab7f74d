//! How the command ends, and with which status for which failure.

use ensure_up::{Failure, LaunchError};
use proc_tree::cli::status::Exit;

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    /// It is up and healthy.
    Done = 0,
    /// A server that was named is not up, or not gone.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The command ended before it was ready.
    Ended = 3,
    /// The port is somebody else's, or the server said that it failed.
    Foreign = 4,
    /// The circuit breaker is open.
    Broken = 5,
    /// The deadline passed.
    Deadline = 124,
    /// The tool could not do its work.
    Failed = 125,
    /// The command cannot be executed.
    NotExecutable = 126,
    /// The command was not found.
    NotFound = 127,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(super) const HELP: &[(&str, &str)] = &[
        ("0", "the server is up and healthy; with --then, the status of its command"),
        (
            "1",
            "a server named to --status, --logs or --restart is not there, one to --stop is not gone, or --init finds none",
        ),
        ("2", "usage: a bad flag, port, target, duration or file; nothing was done"),
        ("3", "the command ended before it was ready"),
        ("4", "another program holds the port, or the server said that it failed"),
        ("5", "the circuit breaker is open: it crashed too often"),
        ("124", "the deadline passed"),
        ("125", "ensure-up itself could not do its work"),
        ("126, 127", "the command could not be executed, was not found"),
    ];
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        Self::Code(status as u8)
    }
}

/// Returns how the command ends after this failure.
pub(super) fn after(failure: &Failure) -> Exit {
    let status = match failure {
        Failure::Ended { .. } => Status::Ended,
        Failure::Changed { .. }
        | Failure::Another { .. }
        | Failure::Foreign { .. }
        | Failure::Shared { .. }
        | Failure::NoneFree(_)
        | Failure::Definite { .. } => Status::Foreign,
        Failure::Broken { .. } => Status::Broken,
        Failure::Deadline { .. } | Failure::Halted { .. } => Status::Deadline,
        Failure::Launch(LaunchError::NotFound(_)) => Status::NotFound,
        Failure::Launch(LaunchError::NotExecutable { .. }) => Status::NotExecutable,
        Failure::Interrupted(signal) => return Exit::Signal(*signal),
        Failure::Stopped { failure, .. } => return after(failure),
        Failure::Launch(LaunchError::Open(..) | LaunchError::Process(_))
        | Failure::Left(_)
        | Failure::Listen { .. }
        | Failure::StillHeld { .. }
        | Failure::Itself(_)
        | Failure::Supervisor(_)
        | Failure::Folder(_)
        | Failure::Log(_)
        | Failure::State { .. }
        | Failure::Ready(_)
        | Failure::System { .. } => Status::Failed,
    };
    status.into()
}
