//! What came of one process that was to be stopped.

use std::time::Duration;

use proc_tree::{Identity, Signal, Stat};

use crate::outcome::{Outcome, Role};

/// What came of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Which process.
    pub identity: Identity,
    /// The given process that it belongs to: itself or an ancestor.
    pub root: Identity,
    /// Its name; empty for one that was gone already.
    pub name: String,
    /// [`Role::Descendant`] for what was not given.
    pub role: Role,
    /// What came of it.
    pub outcome: Outcome,
    /// The last signal that it was sent.
    pub signal: Option<Signal>,
    /// The signal before the last, where there was time to answer it and it was not enough.
    pub unanswered: Option<Signal>,
    /// From the first signal to the end, or to the end of the wait.
    pub elapsed: Option<Duration>,
    /// What there is to say of the outcome.
    pub reason: Option<String>,
}

impl Stopped {
    /// Starts from a process of which nothing has come yet.
    pub(super) fn begin(identity: Identity, root: Identity, role: Role) -> Self {
        Self {
            identity,
            root,
            name: String::new(),
            role,
            outcome: Outcome::Survived,
            signal: None,
            unanswered: None,
            elapsed: None,
            reason: None,
        }
    }

    /// Tells of a descendant that was not a part of the stop.
    pub(crate) fn descendant(stat: &Stat, root: Identity, outcome: Outcome) -> Self {
        Self { name: stat.whole_name(), outcome, ..Self::begin(stat.identity(), root, Role::Descendant) }
    }
}
