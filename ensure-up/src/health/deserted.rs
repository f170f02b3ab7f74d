//! A port that takes connections for a process that has ended, or is halted: whether somebody accepts them all the same.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{report::explanation::continued, server::connection::Connections};

/// How long who connected may wait before a call is told so, which asks again then. One that is busy for longer has a
/// connection open.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long nobody may accept before that is the server's end: as long as a supervisor waits.
const END: Duration = Duration::from_secs(5);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// Why nobody may accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deserted {
    /// Only those listen here that were not seen to accept; those that were have ended.
    Left(SocketAddr),
    /// Somebody halted this process.
    Halted(u32),
}

impl Deserted {
    /// Says what there is then. Which process it was is not known: a watcher may have started others since it was recorded.
    pub(crate) const REASON: &str = "nobody accepts connections: the process that did has ended";

    /// Says why nobody accepts; `None` when somebody does.
    pub(crate) async fn reason(self) -> Option<String> {
        match self {
            Self::Halted(pid) => Some(format!("it is halted; {}", continued(pid))),
            Self::Left(at) => (!is_served_within(at, PATIENCE).await).then(|| Self::REASON.to_owned()),
        }
    }

    /// Tells whether nobody accepts for so long that the server is over.
    pub(crate) async fn is_for_good(self) -> bool {
        match self {
            Self::Halted(_) => false,
            Self::Left(at) => !is_served_within(at, END).await,
        }
    }
}

async fn is_served_within(at: SocketAddr, patience: Duration) -> bool {
    let (own, until) = (Connections::open(at), Instant::now() + patience);
    while Instant::now() < until {
        sleep(LOOK).await;
        if own.are_served() {
            return true;
        }
    }
    false
}
