//! Several logs as one: line by line, each line behind what tells whose it is, and none mixed with another.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::{pending, select_all};
use tokio::{select, time};

use crate::{log::tail::Tail, server::folder_watch::FolderWatch};

/// A line is broken after so many bytes: one without an end must not fill the memory.
const LONGEST: usize = 64 * 1024;

/// How long until a folder that was deleted is looked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where to begin in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With its first line.
    First,
    /// With what comes.
    End,
    /// With so many lines before its end, also of the logs that it was before it was rotated.
    Last(u64),
}

/// Logs that are copied and followed together.
#[derive(Debug, Default)]
pub struct Merged {
    logs: Vec<Log>,
    folders: Vec<(PathBuf, FolderWatch)>,
}

#[derive(Debug)]
struct Log {
    tail: Tail,
    lines: Lines,
}

impl Merged {
    /// Adds a log; each of its lines is shown behind `head`. Without one it is copied as it is.
    pub fn add(&mut self, path: &Path, begin: Begin, head: Option<String>) {
        self.add_where(path, None, begin, head);
    }

    /// Does the same with a log that was deleted, if it can be read there still.
    pub fn add_where(&mut self, path: &Path, deleted: Option<&Path>, begin: Begin, head: Option<String>) {
        let tail = match (begin, deleted) {
            (Begin::First, None) => Tail::of(path),
            (Begin::First, Some(at)) => Tail::of_deleted(path, at),
            (Begin::End, _) => Tail::last(path, deleted, 0),
            (Begin::Last(lines), _) => Tail::last(path, deleted, lines),
        };
        self.logs.push(Log { tail, lines: Lines { head, rest: Vec::new() } });
    }

    /// Watches what comes. To be called before the first copy, so that nothing is missed.
    ///
    /// # Errors
    /// When a folder of a log cannot be watched.
    pub fn watch(&mut self) -> io::Result<()> {
        for log in &self.logs {
            // the folder: a rotation puts another file in the log's place
            let folder = log.tail.folder();
            if self.folders.iter().all(|(known, _)| known != folder) {
                self.folders.push((folder.to_owned(), FolderWatch::of(folder)?));
            }
            if let Some(deleted) = log.tail.deleted() {
                self.folders.push((deleted.to_owned(), FolderWatch::of(deleted)?));
            }
        }
        Ok(())
    }

    /// Copies what is new, a round of each; of a line that has no end yet, nothing. Tells whether there is more already.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn copy(&mut self, out: &mut dyn Write) -> io::Result<bool> {
        let mut has_more = false;
        for Log { tail, lines } in &mut self.logs {
            has_more |= tail.copy(&mut Writer { lines, out: &mut *out })?;
        }
        out.flush()?;
        Ok(has_more)
    }

    /// Copies what is new to the last byte.
    ///
    /// # Errors
    /// As [`Merged::copy`].
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        while self.copy(out)? {}
        self.end(out)
    }

    /// Shows the lines that have no end yet.
    ///
    /// # Errors
    /// As [`Merged::copy`].
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for log in &mut self.logs {
            log.lines.end(out)?;
        }
        out.flush()
    }

    /// Waits until there may be something new.
    pub async fn changed(&mut self) {
        if self.folders.is_empty() {
            return pending().await;
        }
        let is_missing = self.folders.iter().any(|(folder, _)| !folder.exists());
        select! {
            _ = select_all(self.folders.iter_mut().map(|(_, watch)| Box::pin(watch.changed()))) => {}
            // of a folder that is made again no event tells
            () = time::sleep(AGAIN), if is_missing => {}
        }
        for (folder, watch) in &mut self.folders {
            // it is not there yet, or cannot be watched: what is there is shown all the same
            let _ = watch.follow(folder);
        }
    }
}

/// What a log says, cut into lines.
#[derive(Debug)]
struct Lines {
    head: Option<String>,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
}

impl Lines {
    /// Takes more of the log, and writes the lines that are whole, in one go.
    fn take(&mut self, more: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let Some(head) = &self.head else { return out.write_all(more) };
        self.rest.extend_from_slice(more);
        let (mut shown, mut done) = (Vec::new(), 0);
        loop {
            let left = &self.rest[done..];
            let end = left.iter().position(|&byte| byte == b'\n');
            let (line, next) = match end {
                Some(end) => (&left[..end], end + 1),
                None if left.len() >= LONGEST => (left, left.len()),
                None => break,
            };
            show(head, line, &mut shown);
            done += next;
        }
        self.rest.drain(..done);
        if shown.is_empty() { Ok(()) } else { out.write_all(&shown) }
    }

    /// Writes what there is of a line whose end will not come.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut shown = Vec::new();
        if let Some(head) = self.head.as_ref().filter(|_| !self.rest.is_empty()) {
            show(head, &self.rest, &mut shown);
            self.rest.clear();
        }
        out.write_all(&shown)
    }
}

/// Colours that the line leaves on end with it where they could colour the next head.
fn show(head: &str, line: &[u8], shown: &mut Vec<u8>) {
    shown.extend_from_slice(head.as_bytes());
    shown.extend_from_slice(line);
    if head.contains('\x1b') && line.contains(&b'\x1b') {
        shown.extend_from_slice(b"\x1b[0m");
    }
    shown.push(b'\n');
}

/// A log's way to the reader.
struct Writer<'w> {
    lines: &'w mut Lines,
    out: &'w mut dyn Write,
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.take(bytes, self.out).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_whole_whatever_the_pieces_are_that_they_come_in() {
        for (pieces, expected) in [
            (&["one\ntwo\n"][..], "a | one\na | two\n"),
            (&["on", "e", "\ntw", "o\n", "rest"], "a | one\na | two\na | rest\n"),
            (&["\n\n"], "a | \na | \n"),
            (&[""], ""),
        ] {
            let mut lines = Lines { head: Some("a | ".into()), rest: Vec::new() };
            let mut out = Vec::new();
            for piece in pieces {
                lines.take(piece.as_bytes(), &mut out).expect("a vector takes everything");
            }
            lines.end(&mut out).expect("a vector takes everything");
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
        let mut lines = Lines { head: Some("a | ".into()), rest: Vec::new() };
        let mut out = Vec::new();
        lines.take(&vec![b'x'; LONGEST], &mut out).expect("a vector takes everything");
        assert_eq!((out.len(), lines.rest.len()), (LONGEST + 5, 0));
    }

    #[test]
    fn a_colour_that_a_line_leaves_on_does_not_reach_the_next_head() {
        let shown = |head: &str, line: &[u8]| {
            let mut shown = Vec::new();
            show(head, line, &mut shown);
            shown
        };
        assert_eq!(shown("\x1b[34ma\x1b[0m | ", b"\x1b[31mx"), b"\x1b[34ma\x1b[0m | \x1b[31mx\x1b[0m\n");
        assert_eq!(shown("a | ", b"\x1b[31mx"), b"a | \x1b[31mx\n");
        assert_eq!(shown("\x1b[34ma\x1b[0m | ", b"x"), b"\x1b[34ma\x1b[0m | x\n");
    }
}
