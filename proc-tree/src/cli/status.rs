//! How a command ends: with a status, or by a signal.

use std::process::ExitCode;

use super::signals;
use crate::Signal;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(u8),
    /// By this signal, as if it had not been caught.
    Signal(Signal),
}

impl From<Exit> for ExitCode {
    /// Ends the process by the signal if it is one; a signal that ends no process becomes the status that a shell gives.
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => code.into(),
            Exit::Signal(signal) => {
                signals::die_by(signal);
                exit.status().into()
            }
        }
    }
}

impl Exit {
    /// Returns the status that a shell gives to it.
    pub fn status(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => u8::try_from(128 + signal.number()).unwrap_or(u8::MAX),
        }
    }
}

/// Arguments that make no sense, alone or together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct UsageError {
    what: String,
    hint: Option<String>,
}

impl UsageError {
    /// Says what is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    /// Returns the line that was probably meant.
    pub fn meant(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Adds the line that was probably meant.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
