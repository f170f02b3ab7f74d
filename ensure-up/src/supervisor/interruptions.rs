//! What may happen at any time, whatever a supervisor does: it is asked to end, the server's owner ends, files change.

use proc_tree::Handle;
use tokio::select;

use super::{changes::Changes, next::Event};
use crate::{event::or_never, service::owner::Owner, signals::Signals};

/// What may interrupt a supervisor.
#[derive(Debug)]
pub(super) struct Interruptions {
    pub(super) signals: Signals,
    pub(super) changes: Option<Changes>,
    pub(super) owner: Option<Watched>,
}

/// The process that the server is for, and how its end is seen; without a handle it has ended already.
#[derive(Debug)]
pub(super) struct Watched {
    pid: u32,
    handle: Option<Handle>,
}

impl Watched {
    pub(super) fn of(owner: Owner) -> std::io::Result<Self> {
        Ok(Self { pid: owner.0.pid, handle: Handle::open(owner.0)? })
    }

    async fn ended(&self) -> String {
        if let Some(handle) = &self.handle
            && health_wait::ended(handle).await.is_err()
        {
            std::future::pending::<()>().await;
        }
        format!("its owner (pid {}) ended", self.pid)
    }
}

impl Interruptions {
    /// Waits for the next one. Nothing is lost when the wait is dropped.
    pub(super) async fn next(&mut self) -> Event {
        select! {
            biased;
            _ = self.signals.next() => Event::Asked,
            why = or_never(self.owner.as_ref().map(Watched::ended)) => Event::Unwanted(why),
            path = or_never(self.changes.as_mut().map(Changes::next)) => Event::Changed(path),
        }
    }
}
