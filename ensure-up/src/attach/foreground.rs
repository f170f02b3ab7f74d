//! Staying attached to a server: its log on stderr, signals passed on, its end told.

use std::{os::fd::BorrowedFd, path::Path};

use proc_tree::Signal;
use tokio::{select, task};

use crate::{
    End, Failure, ServerProcesses,
    event::block_on,
    log::{
        merged::{Begin, Merged},
        outlet::Outlet,
    },
    signals::Signals,
};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attended {
    /// By itself.
    Ended(End),
    /// This tool was asked to end.
    Interrupted(Signal),
}

/// Stays attached until the server ends or this tool is asked to end; stops nothing.
///
/// # Errors
/// When the server or its log cannot be watched.
pub fn attend(
    processes: &mut ServerProcesses,
    is_ours: bool,
    log: Option<&Path>,
    err: BorrowedFd<'_>,
) -> Result<Attended, Failure> {
    block_on(follow(processes, log, is_ours, err)).map_err(Failure::system("wait"))?
}

async fn follow(
    processes: &mut ServerProcesses,
    log: Option<&Path>,
    whole: bool,
    err: BorrowedFd<'_>,
) -> Result<Attended, Failure> {
    let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    let mut logs = Merged::default();
    if let Some(log) = log {
        logs.add(log, if whole { Begin::First } else { Begin::End }, None);
        logs.watch().map_err(Failure::system("follow the log"))?;
    }
    let mut shown = Outlet::of(err).map_err(Failure::system("write to stderr"))?;
    loop {
        let end = processes.end().map_err(Failure::system("watch the server"))?;
        // no more is read than is shown, and neither is waited for
        let has_more = shown.is_clear() && logs.copy(&mut shown).unwrap_or(false);
        shown.put();
        if let Some(end) = end.filter(|_| shown.is_clear() && !has_more) {
            return Ok(Attended::Ended(end));
        }
        select! {
            () = processes.changed() => {}
            () = logs.changed() => {}
            () = shown.changed() => {}
            () = task::yield_now(), if has_more && shown.is_clear() => {}
            signal = signals.next() => return Ok(Attended::Interrupted(signal)),
        }
    }
}
