//! What a log says as it grows: that the server is ready, or that it failed.

use std::{
    io::{self, Write},
    path::Path,
};

use regex::bytes::Regex;

use crate::{Service, log::tail::Tail};

/// The lines of a log as they come, and what they tell.
#[derive(Debug)]
pub(crate) struct LogPatterns {
    tail: Option<Tail>,
    partial: Vec<u8>,
    ready_pattern: Option<Regex>,
    fail_pattern: Option<Regex>,
    /// Whether it said that the server is ready, if it is to say so.
    pub(crate) ready: bool,
    /// The line that says that the server failed.
    pub(crate) failed: Option<String>,
    /// Whether there is more to read already.
    pub(crate) has_more: bool,
}

impl LogPatterns {
    /// A line without end is looked at in pieces of this size.
    const LONGEST_LINE: usize = 64 * 1024;

    /// Prepares to read a log from a place on.
    pub(crate) fn of(path: &Path, offset: u64, service: &Service) -> Self {
        // to read from a pipe would take away what somebody else waits for
        let is_wanted = (service.spec.ready_log.is_some() || service.spec.fail_log.is_some()) && path.is_file();
        Self {
            tail: is_wanted.then(|| Tail::of(path, offset)),
            partial: Vec::new(),
            ready: service.spec.ready_log.is_none(),
            ready_pattern: service.spec.ready_log.clone(),
            fail_pattern: service.spec.fail_log.clone(),
            failed: None,
            has_more: false,
        }
    }

    /// Reads what is new, a round of it. A log that was cut short or replaced begins anew.
    pub(crate) fn read(&mut self) {
        if let Some(mut tail) = self.tail.take() {
            self.has_more = tail.copy(self).unwrap_or(false);
            self.tail = Some(tail);
        }
    }

    /// A prompt may come without a line's end, so the last piece is looked at as well.
    fn look(&mut self) {
        let partial = std::mem::take(&mut self.partial);
        for line in partial.split(|&byte| byte == b'\n') {
            self.ready |= self.ready_pattern.as_ref().is_some_and(|pattern| pattern.is_match(line));
            if self.failed.is_none() && self.fail_pattern.as_ref().is_some_and(|pattern| pattern.is_match(line)) {
                self.failed = Some(String::from_utf8_lossy(line).trim_end().to_owned());
            }
        }
        let last = partial.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if partial.len() - last < Self::LONGEST_LINE {
            self.partial = partial[last..].to_vec();
        }
    }
}

impl Write for LogPatterns {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        self.look();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
