//! How to stop.

use std::time::Duration;

use proc_tree::Signal;

/// How processes are stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopOptions {
    /// What is sent first; `None` for what suits the program: SIGTERM, or its own signal for a fast stop.
    pub signal: Option<Signal>,
    /// How long to wait before SIGKILL.
    pub grace: Duration,
    /// Whether SIGKILL follows at all.
    pub escalate: bool,
    /// Whether every descendant is stopped too, those that are forked meanwhile included.
    pub tree: bool,
    /// With `tree`: whether the sessions that the given processes lead belong to it, so that what left the tree by a
    /// double fork is stopped too.
    pub session: bool,
}

impl Default for StopOptions {
    /// What suits the program, five seconds, SIGKILL; the processes alone.
    fn default() -> Self {
        Self { signal: None, grace: Duration::from_secs(5), escalate: true, tree: false, session: false }
    }
}
