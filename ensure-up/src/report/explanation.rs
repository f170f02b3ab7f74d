//! Why a server is not up, for a person: data, so that one process can hand it to another.

use serde::{Deserialize, Serialize};

/// What helps where a supervisor gave up.
pub const TRY_AGAIN: &str = "--restart tries again";

/// Says what helps where a supervisor is halted.
pub fn continued(supervisor: u32) -> String {
    format!("kill -CONT {supervisor} lets it go on")
}

/// What there is to say of a server that does not take the socket that its supervisor listens on.
pub(crate) const NOT_ACCEPTED: &str = "does not accept connections on the socket that it was handed";

/// Stands between how a server ended and the last line of its log.
pub const LOG_ENDS: &str = "; its log ends: ";

/// What is said about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What failed, in one line.
    pub message: String,
    /// The end of its log, if that tells more.
    pub log: Option<LogEnd>,
    /// Who is concerned: the holders of a port.
    pub details: Vec<String>,
    /// What would help.
    pub hints: Vec<String>,
}

/// The last lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEnd {
    /// What shows all of it.
    pub shown_by: String,
    /// The lines, without what could fool a terminal.
    pub lines: Vec<String>,
}

impl Explanation {
    /// Returns the lines as they are shown.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let end = match &self.log {
            None => String::new(),
            Some(log) if log.lines.is_empty() => "; its log is empty".into(),
            Some(log) => format!("; the end of its log ({}):", log.shown_by),
        };
        let hints = self.hints.iter().map(|hint| format!("hint: {hint}"));
        std::iter::once(format!("ensure-up: {}{end}", self.message)).chain(self.below()).chain(hints)
    }

    /// Returns what stands below the message, indented: the end of the log, and who is concerned.
    pub fn below(&self) -> impl Iterator<Item = String> {
        let log = self.log.iter().flat_map(|log| &log.lines);
        log.chain(&self.details).map(|line| format!("  {line}"))
    }
}
