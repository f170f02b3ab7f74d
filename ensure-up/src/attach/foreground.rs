//! Staying attached to a server: its log on stderr, signals passed on, its end told.

use std::{io::Write, path::Path};

use proc_tree::Signal;
use tokio::select;

use crate::{
    End, Failure, ServerProcesses,
    event::{block_on, or_never},
    log::follow::Follow,
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
    err: &mut dyn Write,
) -> Result<Attended, Failure> {
    block_on(follow(processes, log, is_ours, err)).map_err(Failure::system("wait"))?
}

async fn follow(
    processes: &mut ServerProcesses,
    log: Option<&Path>,
    whole: bool,
    err: &mut dyn Write,
) -> Result<Attended, Failure> {
    let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    let mut log = log.map(Follow::open).transpose().map_err(Failure::system("follow the log"))?;
    if let Some(log) = log.as_mut().filter(|_| !whole) {
        log.skip();
    }
    loop {
        let end = processes.end().map_err(Failure::system("watch the server"))?;
        if let Some(log) = &mut log {
            // a closed stderr ends nothing
            let _ = log.copy(err);
        }
        if let Some(end) = end {
            return Ok(Attended::Ended(end));
        }
        select! {
            () = processes.changed() => {}
            () = or_never(log.as_mut().map(Follow::changed)) => {}
            signal = signals.next() => return Ok(Attended::Interrupted(signal)),
        }
    }
}
