//! Why a server is not up, for a person: data, so that one process can hand it to another.

use serde::{Deserialize, Serialize};

/// What is said about a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What failed, in one line.
    pub message: String,
    /// What belongs to it: the end of a log, the holders of a port.
    pub details: Vec<String>,
    /// What would help.
    pub hints: Vec<String>,
}

impl Explanation {
    /// Returns the lines as they are shown.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let details = self.details.iter().map(|detail| format!("  {detail}"));
        let hints = self.hints.iter().map(|hint| format!("hint: {hint}"));
        std::iter::once(format!("ensure-up: {}", self.message)).chain(details).chain(hints)
    }
}
