//! Following a log: what is there, then what comes, also across a rotation.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{event::block_on, log::tail::Tail, server::folder_watch::FolderWatch};

/// A log that is followed.
#[derive(Debug)]
pub struct Follow {
    tail: Tail,
    folder: FolderWatch,
}

impl Follow {
    /// Begins to follow a log from its beginning.
    ///
    /// # Errors
    /// When its folder cannot be watched.
    pub fn open(path: &Path) -> io::Result<Self> {
        // the folder: a rotation puts another file in the log's place
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: FolderWatch::of(folder)?, tail: Tail::of(path, 0) })
    }

    /// Goes to the log's end: what was there before is not shown.
    pub(crate) fn skip(&mut self) {
        self.tail.skip();
    }

    /// Copies what is new, a round of it; tells whether there is more already.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn copy(&mut self, out: &mut dyn Write) -> io::Result<bool> {
        let has_more = self.tail.copy(out)?;
        out.flush()?;
        Ok(has_more)
    }

    /// Waits until there may be something new.
    pub(crate) async fn changed(&mut self) {
        self.folder.changed().await;
    }

    /// Waits until there may be something new, and does nothing else meanwhile.
    ///
    /// # Errors
    /// When the system gives no event queue.
    pub fn wait(&mut self) -> io::Result<()> {
        block_on(self.changed())
    }
}
