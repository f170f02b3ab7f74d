//! How a process ended.

use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus};

use proc_tree::Signal;
use serde::{Deserialize, Serialize};

use crate::signals::ENDING;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(#[serde(with = "crate::service::word")] Signal),
    /// It was not a child of this process, so nobody tells how.
    Unknown,
}

impl End {
    /// Tells whether it is known to have failed.
    pub(crate) fn is_failure(self) -> bool {
        !matches!(self, Self::Exited(0) | Self::Unknown)
    }

    /// Tells whether it is known to have failed, and not because it was asked to end.
    pub(crate) fn is_crash(self) -> bool {
        self.is_failure() && !ENDING.map(Self::Signalled).contains(&self)
    }
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        let signal = status.signal().and_then(Signal::from_number);
        status.code().map(Self::Exited).or(signal.map(Self::Signalled)).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "ended with status {status}"),
            Self::Signalled(signal) => write!(f, "was ended by {signal}"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}
