//! Changes in a folder, as events, also when it is deleted and made again.

use std::{
    fs, io, mem,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use notify::{Config, ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{Receiver, channel};

use super::folder;

/// The changes of the files in one folder.
#[derive(Debug)]
pub(crate) struct FolderWatch {
    folder: PathBuf,
    inode: u64,
    /// Whether it was deleted: the one that takes its place may get its number.
    is_gone: Arc<AtomicBool>,
    events: Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl FolderWatch {
    /// Watches the state folder, which is made again if it is gone.
    pub(crate) fn of_state(folder: &Path) -> io::Result<Self> {
        folder::within(folder, Self::of)
    }

    /// Watches a folder, not what is below it.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        // before it is watched: one that takes its place meanwhile is another one
        let inode = fs::metadata(folder)?.ino();
        // one event serves all that comes until it is looked at
        let (sender, events) = channel(1);
        let is_gone = Arc::new(AtomicBool::new(false));
        let (own, gone) = (folder.to_owned(), Arc::clone(&is_gone));
        let mut watcher = watcher(move |event: notify::Result<Event>| {
            if event.as_ref().is_ok_and(|event| event.kind.is_remove() && event.paths.contains(&own)) {
                gone.store(true, Ordering::Release);
            }
            // to read a file is no change: whoever looks after each one would go on without end
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // nobody watches any more, or an event waits already: nothing is lost
                let _ = sender.try_send(());
            }
        })?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(|error| match error.kind {
            ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
            ErrorKind::Io(error) => error,
            _ => io::Error::other(error),
        })?;
        Ok(Self { folder: folder.to_owned(), inode, is_gone, events, _watcher: watcher })
    }

    /// Watches the state folder that is there by now, if the one that was watched is gone. What changed before this is no event
    /// any more: it is to be looked at.
    pub(crate) fn renew(&mut self) -> io::Result<()> {
        if fs::metadata(&self.folder).is_ok_and(|found| self.is(&found)) {
            return Ok(());
        }
        *self = Self::of_state(&self.folder)?;
        Ok(())
    }

    /// Watches the folder that is there by now, if it is another one than was watched.
    pub(crate) fn follow(&mut self, folder: &Path) -> io::Result<()> {
        if !self.is(&fs::metadata(folder)?) {
            *self = Self::of(folder)?;
        }
        Ok(())
    }

    /// Tells whether it is this folder that is watched. That it was deleted is told before its number is given away, and
    /// wakes up whoever asked too early.
    fn is(&self, found: &fs::Metadata) -> bool {
        found.ino() == self.inode && !self.is_gone.load(Ordering::Acquire)
    }

    /// Waits until something has changed. One answer serves all that happened so far.
    pub(crate) async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while self.events.try_recv().is_ok() {}
    }
}

/// Makes what watches.
pub(crate) fn watcher(handler: impl notify::EventHandler) -> io::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(handler).map_err(io::Error::other)?;
    // where there is no thread for it the library says nothing, and panics when it is used, or dropped; this alone is an error
    if watcher.configure(Config::default()).is_err() {
        mem::forget(watcher);
        return Err(rustix::io::Errno::AGAIN.into());
    }
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::event::block_on;

    #[test]
    fn a_folder_that_is_deleted_and_made_again_is_watched_whatever_its_number() {
        let above = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = above.path().join("state");
        fs::create_dir(&folder).expect("the folder is ours");
        let changed = block_on(async {
            let mut watch = FolderWatch::of(&folder)?;
            for round in 0..20 {
                fs::remove_dir_all(&folder)?;
                fs::create_dir(&folder)?;
                // as its users do: whoever is woken up looks again, and waits again
                let seen = async {
                    loop {
                        watch.renew()?;
                        fs::write(folder.join("record"), round.to_string())?;
                        watch.changed().await;
                        if watch.is(&fs::metadata(&folder)?) {
                            return io::Result::Ok(());
                        }
                    }
                };
                if timeout(Duration::from_secs(10), seen).await.is_err() {
                    return Ok(false);
                }
            }
            io::Result::Ok(true)
        });
        assert!(changed.and_then(|changed| changed).expect("the folder is ours"), "a change was not seen");
    }
}
