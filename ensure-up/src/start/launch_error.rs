//! Why a command could not be started.

use std::io;

/// A command that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// There is no such program.
    #[error("command not found: {0}")]
    NotFound(String),
    /// The program is there and cannot be executed.
    #[error("cannot execute {program}")]
    NotExecutable {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Something that it takes is not there.
    #[error("cannot start a process: cannot open {0}")]
    Open(&'static str, #[source] io::Error),
    /// The process could not be made.
    #[error("cannot start a process")]
    Process(#[source] io::Error),
}
