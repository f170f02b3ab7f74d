//! Waiting for the end of one of several servers.

use futures_util::{StreamExt, stream::FuturesUnordered};

use crate::ServerProcesses;

/// Waits until one of those servers may have ended that are up.
pub(super) async fn changed(servers: &[ServerProcesses], is_up: &[bool]) {
    let watched = servers.iter().zip(is_up).filter(|(_, is_up)| **is_up);
    let mut changes: FuturesUnordered<_> = watched.map(|(server, _)| server.changed()).collect();
    if changes.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}
