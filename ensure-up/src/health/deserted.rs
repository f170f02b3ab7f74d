//! A port that takes connections for a process that has ended: whether somebody accepts them all the same.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::server::connection::{Connection, is_accepted_on};

/// How long who connected may wait before a call is told so, which asks again then. One that is busy for longer has a
/// connection open.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Where only those listen that did so for others, which have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deserted(pub(crate) SocketAddr);

impl Deserted {
    /// Says why nobody accepts; `None` when somebody does.
    pub(crate) async fn reason(self) -> Option<String> {
        let (own, until) = (Connection::open(self.0), Instant::now() + PATIENCE);
        while Instant::now() < until {
            sleep(LOOK).await;
            if is_accepted_on(self.0.port(), own.as_ref()) {
                return None;
            }
        }
        // which one it was is not known: a watcher may have started others since it was recorded
        Some("nobody accepts connections: the process that did has ended".to_owned())
    }
}
