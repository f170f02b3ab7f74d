//! Which process: a PID alone is recycled, a PID with its start is not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one process for as long as the machine is up: a PID, and what tells it from later ones with that PID.
///
/// `start_id` is opaque to users. On Linux it is the inode of the process's pidfd where the kernel gives each process one of
/// its own (6.9 and later), else the start time in clock ticks since boot (`starttime` in proc_pid_stat(5)) with bit 52 set;
/// on macOS the start in microseconds since the epoch. It is below 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The process ID.
    pub pid: u32,
    /// Which of the processes that have, had or will have that ID.
    pub start_id: u64,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pid.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_the_pid_which_is_padded_like_any_number() {
        let identity = Identity { pid: 4711, start_id: 9 };
        assert_eq!(format!("{identity}|{identity:>6}"), "4711|  4711");
    }
}
