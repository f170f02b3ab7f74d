//! Why ports could not be freed, or cannot be said to be free.

use std::io;

use port_who::LookError;

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
