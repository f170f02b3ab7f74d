//! What a log says as it grows: that the server is ready, or that it failed.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use regex::bytes::Regex;

use crate::Service;

/// The lines of a log as they come, and what they tell.
#[derive(Debug)]
pub(crate) struct Lines {
    path: Option<PathBuf>,
    offset: u64,
    partial: Vec<u8>,
    ready_pattern: Option<Regex>,
    fail_pattern: Option<Regex>,
    /// Whether it said that the server is ready, if it is to say so.
    pub(crate) ready: bool,
    /// The line that says that the server failed.
    pub(crate) failed: Option<String>,
}

impl Lines {
    /// A line without end is looked at in pieces of this size.
    const LONGEST_LINE: usize = 64 * 1024;

    /// Prepares to read; without a log nobody can be expected to find anything in it.
    pub(crate) fn of(path: Option<&Path>, offset: u64, service: &Service) -> Self {
        // to read from a pipe would take away what somebody else waits for
        let is_wanted = service.ready_log.is_some() || service.fail_log.is_some();
        Self {
            path: path.filter(|path| is_wanted && path.is_file()).map(Path::to_path_buf),
            offset,
            partial: Vec::new(),
            ready: service.ready_log.is_none() || path.is_none(),
            ready_pattern: service.ready_log.clone(),
            fail_pattern: service.fail_log.clone(),
            failed: None,
        }
    }

    /// Reads what is new. A log that was cut short or replaced begins anew.
    pub(crate) fn read(&mut self) {
        let Some(path) = &self.path else { return };
        let Ok(mut file) = File::open(path) else { return };
        let length = file.metadata().map_or(0, |found| found.len());
        if length < self.offset {
            self.offset = 0;
            self.partial.clear();
        }
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let mut chunk = vec![0; Self::LONGEST_LINE];
        while let Ok(read @ 1..) = file.read(&mut chunk) {
            self.offset += read as u64;
            self.partial.extend_from_slice(&chunk[..read]);
            self.look();
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
