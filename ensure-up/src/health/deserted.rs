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

/// How long nobody may accept before that is the server's end: as long as a supervisor waits.
const END: Duration = Duration::from_secs(5);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Where only those listen that did so for others, which have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deserted(pub(crate) SocketAddr);

impl Deserted {
    /// Says what there is then. Which process it was is not known: a watcher may have started others since it was recorded.
    pub(crate) const REASON: &str = "nobody accepts connections: the process that did has ended";

    /// Says why nobody accepts; `None` when somebody does.
    pub(crate) async fn reason(self) -> Option<String> {
        (!self.is_served_within(PATIENCE).await).then(|| Self::REASON.to_owned())
    }

    /// Tells whether nobody accepts for so long that the server is over.
    pub(crate) async fn is_for_good(self) -> bool {
        !self.is_served_within(END).await
    }

    async fn is_served_within(self, patience: Duration) -> bool {
        let (own, until) = (Connection::open(self.0), Instant::now() + patience);
        while Instant::now() < until {
            sleep(LOOK).await;
            if is_accepted_on(self.0.port(), own.as_ref()) {
                return true;
            }
        }
        false
    }
}
