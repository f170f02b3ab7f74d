//! The processes that standard input names: PIDs, or records of a sibling tool.

#[cfg(feature = "cli")]
mod lines;

use std::io;

use serde::Deserialize;

use crate::Identity;

#[cfg(feature = "cli")]
pub use lines::{InvalidInput, read};

/// One line of standard input.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Selected {
    /// The process ID; `None` for a record whose owner was invisible.
    pub pid: Option<u32>,
    /// When that process started, where the line says so: another one with its PID is not meant.
    #[serde(default)]
    pub start_id: Option<u64>,
    /// The port that the process is said to hold.
    #[serde(default)]
    pub port: Option<u16>,
    /// The protocol of that port.
    #[serde(default)]
    pub protocol: Option<String>,
    /// The inode of the network namespace that the port is in, where the line says so.
    #[serde(default)]
    pub netns: Option<u64>,
}

impl Selected {
    /// Tells whether the line names this process, as it is read here.
    ///
    /// # Errors
    /// When it cannot be told: see [`Identity::as_read_here`].
    pub fn names(&self, process: Identity) -> io::Result<bool> {
        if self.pid != Some(process.pid) {
            return Ok(false);
        }
        let Some(start_id) = self.start_id else { return Ok(true) };
        Ok(Identity { start_id, ..process }.as_read_here()? == process)
    }
}

impl From<u32> for Selected {
    fn from(pid: u32) -> Self {
        Self { pid: Some(pid), start_id: None, port: None, protocol: None, netns: None }
    }
}

const EXPECTED: &str = "expected a number from 1 to 2147483647";

fn is_pid(number: u32) -> bool {
    number > 0 && i32::try_from(number).is_ok()
}

/// A text that is no PID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid PID {0:?}: {EXPECTED}")]
pub struct InvalidPid(String);

/// Parses a PID.
///
/// # Errors
/// When the text is no PID; the message quotes it.
pub fn parse_pid(text: &str) -> Result<u32, InvalidPid> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(pid) if digits && is_pid(pid) => Ok(pid),
        _ => Err(InvalidPid(text.chars().take(60).collect())),
    }
}
