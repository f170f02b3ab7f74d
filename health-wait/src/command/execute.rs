//! The command that takes this tool's place once the targets are healthy.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt,
    process::Command,
};

/// A command that could not be executed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// There is no such program.
    #[error("cannot execute {0:?}")]
    NotFound(OsString, #[source] io::Error),
    /// There is, and it cannot be executed.
    #[error("cannot execute {0:?}")]
    NotExecutable(OsString, #[source] io::Error),
}

/// Executes a program in place of this one, so that its status and its signals are its own. Returns only if it cannot.
///
/// Source: execvp(3).
pub(super) fn execute(program: &OsStr, arguments: &[OsString]) -> CommandError {
    let error = Command::new(program).args(arguments).exec();
    match error.kind() {
        io::ErrorKind::NotFound => CommandError::NotFound(program.to_owned(), error),
        _ => CommandError::NotExecutable(program.to_owned(), error),
    }
}
