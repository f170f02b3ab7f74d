//! Stopping processes: signal, wait, escalate, wait, and say what came of each. Of ports it knows only what a socket is.

mod awaited;
pub(crate) mod descriptors;
mod guard;
mod lineage;
mod member;
mod options;
mod process;
mod program;
mod run;
mod schedule;
mod stopped;
mod tree;
mod untouchable;

use std::{io, os::fd::BorrowedFd};

use proc_tree::Identity;

pub use awaited::{Awaited, Observer};
pub(crate) use guard::Claim;
pub use options::StopOptions;
pub(crate) use run::StopRun;
pub(crate) use schedule::Finish;
pub use stopped::Stopped;

use crate::outcome::Role;

/// Stops processes, with `options.tree` their whole trees, and returns when all have ended or nothing more can be done.
///
/// Each one is opened and its identity checked before it is signalled; the caller, its ancestors and the first process
/// are refused. A tree is halted with SIGSTOP before it is signalled, so that it cannot fork away; what was halted goes on
/// whatever happens. What can be read from `interrupt`, such as [`Signals`](proc_tree::cli::signals::Signals), ends the
/// wait early; then some have [`Outcome::Survived`](crate::Outcome::Survived).
///
/// # Errors
/// When the kernel does not let the processes be looked at or waited for.
pub fn stop(
    processes: &[Identity],
    options: &StopOptions,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Vec<Stopped>> {
    stop_observed(processes, options, None, interrupt)
}

/// Does what [`stop`] does; the observer is told who is waited for.
///
/// # Errors
/// As [`stop`].
pub fn stop_observed<'r>(
    processes: &[Identity],
    options: &StopOptions,
    observer: Option<&'r mut Observer<'r>>,
    interrupt: Option<BorrowedFd<'r>>,
) -> io::Result<Vec<Stopped>> {
    let mut run = StopRun::new(options, interrupt)?.observed_by(observer);
    for identity in processes {
        let identity = identity.as_read_here()?;
        match proc_tree::process::stat_of(identity)? {
            Some(stat) => run.add(&stat, Role::Holder, Claim::Named),
            None => run.add_gone(identity),
        }
    }
    run.run()?;
    Ok(run.outcomes())
}
