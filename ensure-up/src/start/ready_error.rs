//! Why it could not be found out whether a server is ready.

use std::io;

use port_who::{LookError, SocketTableError};

/// It could not be found out whether the server is ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// Who holds the port is not known.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Who listens is not known.
    #[error(transparent)]
    Sockets(#[from] SocketTableError),
    /// The health target is none.
    #[error(transparent)]
    Target(#[from] health_wait::InvalidTarget),
    /// Health cannot be asked for.
    #[error(transparent)]
    Health(#[from] health_wait::WaitError),
    /// The server's processes cannot be watched.
    #[error("cannot watch the server")]
    Watch(#[source] io::Error),
}
