//! A command that could not be executed, in the words and with the statuses of every tool.

use std::{ffi::OsStr, io, path::Path};

/// Why a command did not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotExecute {
    /// There is no such program.
    #[error("command not found: {0}")]
    NotFound(String),
    /// There is, and it cannot be executed.
    #[error("cannot execute {program}")]
    Refused {
        /// The program as it was given.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is a script, and what its first line names is not there.
    #[error("cannot execute {0}: the program that its first line names is not there")]
    NoInterpreter(String),
}

impl CannotExecute {
    /// Says why a program could not be executed, by the error of execvp(3).
    pub fn of(program: &OsStr, source: io::Error) -> Self {
        let name = program.to_string_lossy().into_owned();
        let is_path = program.as_encoded_bytes().contains(&b'/');
        match source.kind() {
            io::ErrorKind::NotFound if is_path && Path::new(program).exists() => Self::NoInterpreter(name),
            io::ErrorKind::NotFound => Self::NotFound(name),
            _ => Self::Refused { program: name, source },
        }
    }
}
