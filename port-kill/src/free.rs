//! Freeing ports: who holds them, who of those may be stopped, and whether the ports are free in the end.

mod account;
mod aftermath;
mod candidate;
mod freeing;
mod keeper;
mod verdict;

use std::{io, os::fd::BorrowedFd};

use port_who::LookError;

use crate::{Report, request::Request};

pub use candidate::Candidate;
use freeing::Freeing;

/// Ports could not be freed, or it is not known whether they are free.
#[derive(Debug, thiserror::Error)]
pub enum FreeError {
    /// It could not be found out who holds them.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The processes could not be looked at or waited for.
    #[error("cannot look at the processes")]
    Wait(#[source] io::Error),
    /// The user could not be asked.
    #[error("cannot ask on the terminal")]
    Ask(#[source] io::Error),
}

/// Asks whether a process may be signalled.
pub type Confirm<'c> = dyn FnMut(&Candidate) -> io::Result<bool> + 'c;

/// Frees ports: stops every holder that may be stopped and asks the kernel what came of it.
///
/// `confirm` is asked once per process. When `interrupt` becomes readable, the work ends early and nobody is killed.
///
/// # Errors
/// When the ports' holders cannot be found out; "free" is never said for "I cannot see".
pub fn free(
    request: &Request,
    confirm: &mut Confirm<'_>,
    interrupt: Option<BorrowedFd<'_>>,
) -> Result<Report, FreeError> {
    Freeing::new(request, interrupt)?.run(confirm)
}
