//! What one read says of a process.

use std::time::Duration;

use super::{start_time::StartTime, state::RunState};
use crate::Identity;

/// A process's place in the tree and its state, from one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The process ID.
    pub pid: u32,
    /// Which process it is; see [`Identity`].
    pub start_id: u64,
    /// When it started.
    pub started: StartTime,
    /// The parent's process ID; 0 for the first process.
    pub parent: u32,
    /// The process group.
    pub group: u32,
    /// The session: the PID of its leader.
    pub session: u32,
    /// The name that the kernel keeps, at most 15 bytes on Linux; invalid UTF-8 is replaced.
    pub name: String,
    /// What its main thread does.
    pub state: RunState,
    /// Whether it is on its way out: a signal ends it, then its memory is taken away, then its descriptors. Only root may read
    /// these then.
    pub is_ending: bool,
    /// How many threads it has.
    pub threads: u32,
    /// CPU time of its children that ended and were waited for, their own children included.
    pub reaped_cpu: Duration,
}

impl Stat {
    /// Returns the process's identity.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_id: self.start_id }
    }

    /// Tells whether the whole process has ended and only waits to be reaped.
    ///
    /// A process whose main thread called pthread_exit(3) reads as a zombie too, but its other threads live on.
    pub fn has_ended(&self) -> bool {
        self.state.is_over() && self.threads <= 1
    }
}
