//! A process that somebody halted: a server that serves nobody, a supervisor that does nothing for its server, until it is
//! continued.

use proc_tree::{Identity, RunState, process};

/// Tells whether somebody halted a process (SIGSTOP), or debugs it.
pub(crate) fn is_halted(process: Identity) -> bool {
    let found = process::stat_of(process).ok().flatten();
    found.is_some_and(|stat| matches!(stat.state, RunState::Stopped | RunState::Traced))
}

/// Says that a supervisor is halted, and of its server whether that has ended.
pub(crate) fn words(has_ended: bool, supervisor: u32) -> String {
    let ended = if has_ended { "it has ended, and " } else { "" };
    format!("{ended}its supervisor (pid {supervisor}) is halted")
}
