//! Changes in a folder, as events, also when it is deleted and made again.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{Receiver, channel};

use super::folder;

/// The changes of the files in one folder.
#[derive(Debug)]
pub(crate) struct FolderWatch {
    folder: PathBuf,
    inode: u64,
    events: Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl FolderWatch {
    /// Watches the state folder, which is made again if it is gone.
    pub(crate) fn of_state(folder: &Path) -> io::Result<Self> {
        if !folder.exists() {
            folder::make_again(folder).map_err(io::Error::other)?;
        }
        Self::of(folder)
    }

    /// Watches a folder, not what is below it.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        // before it is watched: one that takes its place meanwhile is another one
        let inode = fs::metadata(folder)?.ino();
        // one event serves all that comes until it is looked at
        let (sender, events) = channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // to read a file is no change: whoever looks after each one would go on without end
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // nobody watches any more, or an event waits already: nothing is lost
                let _ = sender.try_send(());
            }
        });
        let mut watcher = watcher.map_err(io::Error::other)?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
        Ok(Self { folder: folder.to_owned(), inode, events, _watcher: watcher })
    }

    /// Watches the state folder that is there by now, if the one that was watched is gone. What changed before this is no event
    /// any more: it is to be looked at.
    pub(crate) fn renew(&mut self) -> io::Result<()> {
        if fs::metadata(&self.folder).is_ok_and(|found| found.ino() == self.inode) {
            return Ok(());
        }
        *self = Self::of_state(&self.folder)?;
        Ok(())
    }

    /// Watches the folder that is there by now, if it is another one than was watched.
    pub(crate) fn follow(&mut self, folder: &Path) -> io::Result<()> {
        if fs::metadata(folder)?.ino() != self.inode {
            *self = Self::of(folder)?;
        }
        Ok(())
    }

    /// Waits until something has changed. One answer serves all that happened so far.
    pub(crate) async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while self.events.try_recv().is_ok() {}
    }
}
