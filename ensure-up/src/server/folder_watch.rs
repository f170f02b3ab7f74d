//! FolderWatch in a folder, as events.

use std::{io, path::Path};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The changes of the files in one folder.
#[derive(Debug)]
pub(crate) struct FolderWatch {
    events: UnboundedReceiver<()>,
    _watcher: RecommendedWatcher,
}

impl FolderWatch {
    /// Watches a folder, not what is below it.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let (sender, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // to read a file is no change: whoever looks after each one would go on without end
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // nobody watches any more: nothing is lost
                let _ = sender.send(());
            }
        });
        let mut watcher = watcher.map_err(io::Error::other)?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
        Ok(Self { events, _watcher: watcher })
    }

    /// Waits until something has changed. One answer serves all that happened so far.
    pub(crate) async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while self.events.try_recv().is_ok() {}
    }
}
