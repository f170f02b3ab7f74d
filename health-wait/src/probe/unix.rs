//! Connections to Unix sockets.

use std::{io, path::Path};

use tokio::net::UnixStream;

use crate::reason::{Reason, Sign};

/// Connects to a Unix socket.
pub(super) async fn connect(path: &Path) -> Result<UnixStream, Reason> {
    UnixStream::connect(path).await.map_err(|error| match error.kind() {
        // "invalid input" is what a path that is too long for a socket gives
        io::ErrorKind::InvalidInput => Reason::new(Sign::Unclear, "the path is too long for a socket"),
        io::ErrorKind::NotFound => Reason::new(Sign::No, "no such socket"),
        io::ErrorKind::WouldBlock => Reason::new(Sign::Silent, "its queue of connections is full"),
        _ => Reason::from_io(&error),
    })
}
