//! Those that hold the server's port, watched: when the last of them has ended, the server has, also behind a watcher that
//! lives on. As long as one lives, nobody wakes up.

use std::{
    io,
    time::{Duration, Instant},
};

use proc_tree::{Handle, Identity};
use tokio::time;

use crate::{Holding, ServerProcesses, server::end::End};

/// How long nobody of the server may hold the port: a watcher that starts it again after an edit does so in this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the port is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// The holders of a port that can be seen.
#[derive(Debug)]
pub(super) struct Holders {
    watched: Vec<Holder>,
    /// The one that ended last, and when that was seen.
    gone: Option<(Gone, Instant)>,
}

#[derive(Debug)]
struct Holder {
    handle: Handle,
    name: String,
}

/// A holder that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    pid: u32,
    name: String,
    pub(super) end: End,
}

impl Gone {
    /// Says who it was and how it ended: `redis-server (pid 4712) was ended by SIGKILL`.
    pub(super) fn words(&self) -> String {
        format!("{} (pid {}) {}", self.name, self.pid, self.end)
    }
}

impl Holders {
    /// Watches the holders.
    pub(super) fn watch(holdings: &[Holding]) -> io::Result<Self> {
        let (mut watched, mut gone): (Vec<Holder>, _) = (Vec::new(), None);
        for process in holdings.iter().filter_map(|holding| holding.process.as_ref()) {
            let is_known = watched.iter().any(|known| known.handle.identity() == process.identity());
            match Handle::open(process.identity())?.filter(|_| !is_known) {
                Some(handle) => watched.push(Holder { handle, name: process.name.clone() }),
                None if is_known => {}
                None => {
                    let known = Gone { pid: process.pid, name: process.name.clone(), end: End::Unknown };
                    gone = Some((known, Instant::now()));
                }
            }
        }
        Ok(Self { watched, gone })
    }

    /// Returns those that are watched.
    pub(super) fn identities(&self) -> Vec<Identity> {
        self.watched.iter().map(|holder| holder.handle.identity()).collect()
    }

    /// Returns those that are watched, and the server's other processes.
    pub(super) fn and(&self, processes: &ServerProcesses) -> Vec<Identity> {
        self.identities().into_iter().chain(processes.roots().iter().copied()).collect()
    }

    /// Looks who has ended; tells whether none is left of those that were there.
    pub(super) fn look(&mut self, processes: &mut ServerProcesses) -> io::Result<bool> {
        let has_ended = self.watched.iter().map(|holder| holder.handle.has_ended()).collect::<io::Result<Vec<_>>>()?;
        let mut has_ended = has_ended.into_iter();
        for holder in self.watched.extract_if(.., |_| has_ended.next() == Some(true)) {
            let Identity { pid, .. } = holder.handle.identity();
            let gone = Gone { pid, name: holder.name, end: processes.end_of(holder.handle.identity()) };
            self.gone = Some((gone, Instant::now()));
        }
        Ok(self.watched.is_empty() && self.gone.is_some())
    }

    /// Returns the last one if it has been gone for as long as nobody may hold the port.
    pub(super) fn gone_for_good(&self) -> Option<Gone> {
        self.gone.as_ref().filter(|(_, since)| since.elapsed() >= PATIENCE).map(|(gone, _)| gone.clone())
    }

    /// Says how the server ended; where nobody tells, who that was.
    pub(super) fn words(&self, end: End) -> String {
        match &self.gone {
            Some((gone, _)) if end == End::Unknown => format!("{end} ({}, pid {})", gone.name, gone.pid),
            _ => end.to_string(),
        }
    }

    /// Waits until the last one has ended, and then until it is time for another look.
    pub(super) async fn changed(&self) {
        match (&self.gone, self.watched.is_empty()) {
            (Some(_), true) => time::sleep(LOOK).await,
            (None, true) => std::future::pending().await,
            (_, false) => {
                for holder in &self.watched {
                    if health_wait::ended(&holder.handle).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }
}
