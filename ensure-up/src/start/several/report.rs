//! What is said of a start: by the process that starts a service, a JSON line each, and of one that has ended.

use std::io::{self, Write};

use proc_tree::cli::json_lines;
use serde::{Deserialize, Serialize};

use crate::{
    Outcome,
    report::{explanation::Explanation, start_record::StartRecord},
    start::waiting::Waiting,
};

/// What the process that starts a service says of it: a JSON line each on its standard output, the last when it is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Said {
    /// It waits.
    Waiting(Waiting),
    /// It is over.
    Ended(Box<EndedStart>),
}

impl Said {
    /// Writes it as a line.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        json_lines::write([self], out)
    }
}

/// What came of a start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartReport {
    /// Its record.
    pub record: StartRecord,
    /// Why the server is not up, if it is not.
    pub explanation: Option<Explanation>,
    /// What the caller should know besides.
    pub notes: Vec<String>,
}

impl StartReport {
    /// Reports a server that is up.
    pub fn up(outcome: Outcome) -> Self {
        Self { record: StartRecord::up(&outcome), explanation: None, notes: outcome.notes }
    }

    /// Reports one that is not, with more about that if there is more.
    pub fn not_up(record: StartRecord, explanation: Option<Explanation>) -> Self {
        Self { record, explanation, notes: Vec::new() }
    }
}

/// A start that has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndedStart {
    /// What came of it.
    pub report: StartReport,
    /// Its status; 0 when the server is up.
    pub status: u8,
}
