//! What a log holds from some place on, as it grows, is rotated, is cut short or replaced.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::log::{last, rotate};

/// A log that is read on and on.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    /// Where it is read while it has no name any more.
    deleted: Option<PathBuf>,
    file: Option<File>,
}

/// So much is copied before the caller looks at something else: one that writes faster than this is read must not keep it
/// from its clock.
pub(super) const ROUND: usize = 256 * 1024;

impl Tail {
    /// Prepares to read from the beginning.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), deleted: None, file: open(path, 0).or_else(|| open(path, 1)) }
    }

    /// Prepares to read all of a log that was deleted and can be read there still, and what comes.
    pub(crate) fn of_deleted(path: &Path, at: &Path) -> Self {
        Self { file: open(at, 0), ..Self::last(path, Some(at), 0) }
    }

    /// Prepares to read the last lines, so many, and what comes: also where they stand in logs that this one was before it
    /// was rotated. What cannot be read has none.
    pub(crate) fn last(path: &Path, deleted: Option<&Path>, lines: u64) -> Self {
        let (mut eldest, mut left) = (None, lines);
        let first = || open(path, 0).or_else(|| open(deleted?, 0));
        // the log itself may have been deleted, or be renamed in this moment
        let logs = (0..).map(|number| if number == 0 { first() } else { open(path, number) }).enumerate();
        for (_, log) in logs.take_while(|(number, log)| *number == 0 || log.is_some()) {
            let Some(mut log) = log else { continue };
            let (start, found) = last::place(&mut log, left).unwrap_or_default();
            let _ = log.seek(SeekFrom::Start(start));
            left -= found;
            eldest = Some(log);
            if left == 0 {
                break;
            }
        }
        Self { path: path.to_owned(), deleted: deleted.map(Path::to_owned), file: eldest }
    }

    /// Returns the folder that the log stands in.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Returns what is watched beside that folder: a file without a name changes in none.
    pub(crate) fn deleted(&self) -> Option<&Path> {
        self.deleted.as_deref()
    }

    /// Tells how much of the log that is read was not read yet, in bytes.
    pub(super) fn left(&self) -> usize {
        let left = |mut file: &File| Some(file.metadata().ok()?.len().saturating_sub(file.stream_position().ok()?));
        let left = self.file.as_ref().and_then(left).unwrap_or(0);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Copies what is new, but no more than a round; tells whether there is more.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn copy(&mut self, out: &mut dyn Write) -> io::Result<bool> {
        let mut left = ROUND;
        self.copy_rest(out, &mut left)?;
        for newer in if left > 0 { self.newer() } else { Vec::new() } {
            // what came between the two looks
            self.copy_rest(out, &mut left)?;
            if left == 0 {
                break;
            }
            self.file = Some(newer);
            self.copy_rest(out, &mut left)?;
        }
        Ok(left == 0)
    }

    /// Opens the logs that came after the one that is read, the eldest first: it may have been rotated several times.
    fn newer(&self) -> Vec<File> {
        let known = self.file.as_ref().and_then(identity);
        let mut newer: Vec<File> = Vec::new();
        // while logs are renamed there is a gap among their numbers; then one of them comes twice
        let numbered = |number| open(&self.path, number).or_else(|| open(&self.path, number + 1));
        for file in (0..).map_while(numbered) {
            if identity(&file) == known {
                newer.reverse();
                return newer;
            }
            // rotated meanwhile, a log comes twice
            if newer.last().and_then(identity) != identity(&file) {
                newer.push(file);
            }
        }
        // the one that is read is gone: what is left of the others may have been shown before
        newer.truncate(usize::from(self.path.is_file()));
        newer
    }

    fn copy_rest(&mut self, out: &mut dyn Write, left: &mut usize) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if file.metadata().is_ok_and(|found| file.stream_position().is_ok_and(|at| found.len() < at)) {
            let _ = file.rewind();
        }
        let mut chunk = vec![0; 16 * 1024];
        // a log that cannot be read has no more to show
        while let most @ 1.. = chunk.len().min(*left)
            && let Ok(read @ 1..) = file.read(&mut chunk[..most])
        {
            out.write_all(&chunk[..read])?;
            *left -= read;
        }
        Ok(())
    }
}

/// To open a pipe would wait for its writer.
fn open(path: &Path, number: u32) -> Option<File> {
    let path = rotate::numbered(path, number);
    path.is_file().then(|| File::open(path).ok()).flatten()
}

fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|found| (found.dev(), found.ino()))
}
