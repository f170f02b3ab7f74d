//! The command that takes this tool's place once the targets are healthy.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    process::Command,
};

use proc_tree::cli::execution::CannotExecute;

/// Executes a program in place of this one, so that its status and its signals are its own. Returns only if it cannot.
///
/// Source: execvp(3).
pub(super) fn execute(program: &OsStr, arguments: &[OsString]) -> CannotExecute {
    CannotExecute::of(program, Command::new(program).args(arguments).exec())
}
