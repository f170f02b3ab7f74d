//! A server that is stayed with.

use futures_util::{StreamExt, stream::FuturesUnordered};

use crate::ServerProcesses;

/// A server that is stayed with.
#[derive(Debug)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// Its processes.
    pub processes: ServerProcesses,
}

/// Waits until one of those servers may have ended that are up.
pub(super) async fn changed(needed: &[Needed], is_up: &[bool]) {
    let watched = needed.iter().zip(is_up).filter(|(_, is_up)| **is_up);
    let mut changes: FuturesUnordered<_> = watched.map(|(one, _)| one.processes.changed()).collect();
    if changes.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}
