//! What a log says as it grows: that the server is ready, or that it failed.

use std::{
    io::{self, Write},
    path::Path,
};

use regex::bytes::Regex;

use super::{last, tail::Tail};
use crate::Service;

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

    /// So much of a piece is looked at with the next one: what is looked for may lie across.
    const OVERLAP: usize = 4 * 1024;

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
            if self.failed.is_none()
                && let Some(found) = self.fail_pattern.as_ref().and_then(|pattern| pattern.find(line))
            {
                // of a line that is too long, the place that tells
                let from = if line.len() > last::WIDEST { found.start() } else { 0 };
                self.failed = Some(last::quoted(String::from_utf8_lossy(&line[from..]).trim_end()));
            }
        }
        let last = partial.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let rest = &partial[last..];
        let kept = if rest.len() < Self::LONGEST_LINE { rest.len() } else { Self::OVERLAP };
        self.partial = rest[rest.len() - kept..].to_vec();
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
