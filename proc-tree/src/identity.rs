//! Which process: a PID alone is recycled, a PID with its start is not.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::process;

/// Names one process for as long as the machine is up: a PID and when that process started.
///
/// `start_id` is opaque to users. On Linux it is the start time in clock ticks since boot
/// (`starttime` in proc_pid_stat(5)), on macOS the start in microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process ID.
    pub pid: u32,
    /// When the process with that ID started.
    pub start_id: u64,
}

impl Identity {
    /// Reads the identity of the process that has `pid` now; `None` when there is none or it has ended.
    ///
    /// # Errors
    /// When the process cannot be looked at, which says nothing about whether it exists.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        Ok(process::stat(pid)?.filter(|stat| !stat.has_ended()).map(|stat| stat.identity()))
    }

    /// Tells whether this very process still runs. A zombie has ended.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub fn is_running(self) -> io::Result<bool> {
        Ok(Self::of(self.pid)? == Some(self))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pid.fmt(f)
    }
}
