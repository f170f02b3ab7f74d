//! Stopping processes: signal, wait, escalate, wait, and say what came of each. Knows nothing of ports.

mod campaign;
mod descent;
mod member;

use std::{io, os::fd::BorrowedFd, time::Duration};

use proc_tree::Signal;
use proc_tree::{Facts, Identity, Stat, process};

use crate::{Outcome, Role, guard::Guard};

pub(crate) use campaign::{Campaign, Ending};

/// How long a process may take to end after SIGKILL. It cannot ignore that, but giving tens of GiB back takes seconds.
const KILL_PATIENCE: Duration = Duration::from_secs(30);

/// How to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What is sent first.
    pub signal: Signal,
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

impl Default for Settings {
    /// SIGTERM, five seconds, SIGKILL; the processes alone.
    fn default() -> Self {
        Self { signal: Signal::TERM, grace: Duration::from_secs(5), escalate: true, tree: false, session: false }
    }
}

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
    /// The signal before the last, where it was not enough.
    pub ignored: Option<Signal>,
    /// From the first signal to the end, or to the end of the wait.
    pub elapsed: Option<Duration>,
    /// What there is to say of the outcome.
    pub reason: Option<String>,
}

impl Stopped {
    pub(crate) fn would_signal(stat: &Stat, root: Identity, signal: Signal) -> Self {
        Self {
            identity: stat.identity(),
            root,
            name: Facts::from_stat(stat.clone()).name,
            role: Role::Descendant,
            outcome: Outcome::WouldSignal,
            signal: Some(signal),
            ignored: None,
            elapsed: None,
            reason: None,
        }
    }
}

/// Stops processes, with `settings.tree` their whole trees, and returns when all have ended or nothing more can be done.
///
/// Each one is opened and its identity checked before it is signalled; the caller, its ancestors and the first process
/// are refused. A tree is halted with SIGSTOP before it is signalled, so that it cannot fork away. What can be read from
/// `interrupt`, such as [`Signals`](proc_tree::cli::signals::Signals), ends the wait early; then some have [`Outcome::Survived`].
///
/// # Errors
/// When the kernel does not let the processes be looked at or waited for.
pub fn stop(
    processes: &[Identity],
    settings: &Settings,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Vec<Stopped>> {
    let mut campaign = Campaign::new(settings.clone(), Guard::new()?, interrupt);
    for &identity in processes {
        match process::stat(identity.pid)?.filter(|stat| stat.identity() == identity) {
            Some(stat) => campaign.enlist(&stat, Role::Holder),
            None => campaign.gone(identity),
        }
    }
    campaign.run(&mut |_| None)?;
    Ok(campaign.outcomes())
}
