//! The statuses that `health-wait` ends with.

use health_wait::{Verdict, WaitError};
use proc_tree::cli::{execution::CannotExecute, status::Exit};

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Status {
    /// The targets are as awaited.
    Done = 0,
    /// Asked once, and they are not.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The process of `--pid`, or one that was to be alive, ended.
    Ended = 3,
    /// An answer could only mean failure.
    Fatal = 4,
    /// The deadline passed.
    TimedOut = 124,
    /// The tool could not do its work.
    Failed = 125,
    /// The command could not be executed.
    NotExecutable = 126,
    /// The command was not found.
    NotFound = 127,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(super) const HELP: &[(&str, &str)] = &[
        ("0", "healthy; with -- CMD the status is CMD's"),
        ("1", "not healthy (--once)"),
        ("2", "usage: a bad flag, target, duration or pattern; nothing was done"),
        ("3", "the process of --pid or of a target pid:N ended, or there is none"),
        ("4", "a definite failure (--fail-status, --fail-body)"),
        ("124", "the deadline passed"),
        ("125", "health-wait itself could not do its work"),
        ("126, 127", "CMD could not be executed, was not found"),
    ];

    /// Tells which status a failure ends with.
    pub(super) fn of_failure(error: &anyhow::Error) -> Self {
        match (error.downcast_ref(), error.downcast_ref()) {
            (Some(CannotExecute::NotFound(_)), _) => Self::NotFound,
            (Some(_), _) => Self::NotExecutable,
            (None, Some(WaitError::Input(_))) => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        Self::Code(status as u8)
    }
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Reached => Self::Done,
            Verdict::Missed => Self::No,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::ProcessEnded(_) | Verdict::Gone(_) => Self::Ended,
            Verdict::Failed(_) => Self::Fatal,
            Verdict::Unable(_) => Self::Failed,
        }
    }
}
