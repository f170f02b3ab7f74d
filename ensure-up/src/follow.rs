//! Following a log: what is there, then what comes, also across a rotation.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{changes::Changes, log};

/// A log that is followed.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    changes: Changes,
}

impl Follow {
    /// Begins to follow a log from its beginning.
    ///
    /// # Errors
    /// When its folder cannot be watched.
    pub fn open(path: &Path) -> io::Result<Self> {
        // the folder: a rotation puts another file in the log's place
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { path: path.to_owned(), file: File::open(path).ok(), changes: Changes::of(folder)? })
    }

    /// Goes to the log's end: what was there before is not shown.
    pub fn skip(&mut self) {
        if let Some(file) = &mut self.file {
            let _ = file.seek(SeekFrom::End(0));
        }
    }

    /// Copies what is new.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn copy(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.copy_rest(out)?;
        for newer in self.newer() {
            self.copy_rest(out)?;
            self.file = Some(newer);
            self.copy_rest(out)?;
        }
        out.flush()
    }

    /// Opens the logs that came after the one that is read, the eldest first: it may have been rotated several times.
    fn newer(&self) -> Vec<File> {
        let known = self.file.as_ref().and_then(|file| identity(file).ok());
        let mut newer = Vec::new();
        for file in (0..).map_while(|number| File::open(log::numbered(&self.path, number)).ok()) {
            if identity(&file).ok() == known {
                newer.reverse();
                return newer;
            }
            // rotated meanwhile, a log comes twice
            if newer.last().and_then(|last| identity(last).ok()) != identity(&file).ok() {
                newer.push(file);
            }
        }
        // the one that is read is gone: what is left of the others may have been shown before
        newer.truncate(1);
        newer
    }

    fn copy_rest(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut chunk = [0; 16 * 1024];
        // a log that cannot be read has no more to show
        while let Ok(read @ 1..) = file.read(&mut chunk) {
            out.write_all(&chunk[..read])?;
        }
        Ok(())
    }

    /// Waits until there may be something new.
    pub async fn changed(&mut self) {
        self.changes.next().await;
    }
}

fn identity(file: &File) -> io::Result<(u64, u64)> {
    file.metadata().map(|found| (found.dev(), found.ino()))
}
