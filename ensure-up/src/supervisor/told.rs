//! What a supervisor says in its server's log, and what that log says of a crash.

use std::{io::Write, time::SystemTime};

use super::run::Supervisor;
use crate::log::rotate;

/// Before everything that is said here.
const MARK: &str = "ensure-up: ";

/// A line in a record has at most so many characters.
const LONGEST: usize = 200;

impl Supervisor<'_> {
    /// Says something in the server's log.
    pub(super) fn say(&self, line: &str) {
        let _ = writeln!(self.output.pipe(), "{MARK}{} {}", now(), proc_tree::cli::text::escape(line));
    }

    /// Adds the log's last line to how a server ended.
    pub(super) fn with_last_words(&self, how: String) -> String {
        match self.last_words().pop() {
            Some(line) if !how.contains(&line) => format!("{how}; its log ends: {line}"),
            _ => how,
        }
    }

    /// A port that is taken stays so, however often the server is started.
    pub(super) fn address_in_use(&self) -> Option<String> {
        let is_it = |line: &String| {
            let line = line.to_lowercase();
            line.contains("address already in use") || line.contains("eaddrinuse")
        };
        self.last_words().into_iter().rfind(is_it)
    }

    /// The last lines of this generation that say something. What an earlier one said is over: it stands before the last
    /// thing that was said here.
    fn last_words(&self) -> Vec<String> {
        self.output.flush();
        let lines = rotate::tail(&self.log, rotate::TAIL_LINES);
        let since = lines.iter().rposition(|line| line.starts_with(MARK)).map_or(0, |last| last + 1);
        let lines = lines[since..].iter().map(|line| line.trim()).filter(|line| !line.is_empty());
        lines.map(|line| line.chars().take(LONGEST).collect()).collect()
    }
}

/// The time for a log and for a record: RFC 3339, UTC.
pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
