//! Staying attached to servers: their logs on stderr, signals passed on, their end told.

use std::os::fd::BorrowedFd;

use proc_tree::{Identity, Signal};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
};

use super::changed::changed;
use crate::{
    End, Failure, ServerProcesses,
    event::block_on,
    log::{merged::Merged, shown::Shown},
    server::orphans,
    signals::Signals,
};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attended {
    /// The server in this place ended by itself.
    Ended(usize, End),
    /// This tool was asked to end.
    Interrupted(Signal),
}

/// Stays attached until one of the servers ends or this tool is asked to end; stops nothing.
///
/// # Errors
/// When a server or a log cannot be watched.
pub fn attend(servers: &mut [ServerProcesses], logs: &mut Merged, err: BorrowedFd<'_>) -> Result<Attended, Failure> {
    block_on(follow(servers, logs, err)).map_err(Failure::system("wait"))?
}

async fn follow(servers: &mut [ServerProcesses], logs: &mut Merged, err: BorrowedFd<'_>) -> Result<Attended, Failure> {
    let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    let mut children = signal(SignalKind::child()).map_err(Failure::system("catch signals"))?;
    let mut shown = Shown::on(logs, err).map_err(Failure::system("follow the log"))?;
    let all_up = vec![true; servers.len()];
    loop {
        let mut ended = None;
        for (place, server) in servers.iter_mut().enumerate() {
            let end = server.end().map_err(Failure::system("watch the server"))?;
            ended = ended.or(end.map(|end| (place, end)));
        }
        let is_shown = shown.round();
        if let Some((place, end)) = ended.filter(|_| is_shown) {
            return Ok(Attended::Ended(place, end));
        }
        // orphans of servers come here
        let own: Vec<Identity> = servers.iter().flat_map(ServerProcesses::roots).copied().collect();
        orphans::reap_but(&own);
        select! {
            () = changed(servers, &all_up) => {}
            _ = children.recv() => {}
            () = shown.changed() => {}
            signal = signals.next() => return Ok(Attended::Interrupted(signal)),
        }
    }
}
