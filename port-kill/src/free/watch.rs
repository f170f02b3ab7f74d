//! Ports that were freed, watched for a while: does somebody take one again?

use std::{
    collections::HashSet,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use port_who::{Answer, look};
use proc_tree::handle;

use super::{error::FreeError, request::Request, scope::Scope};

/// How often the socket table is read while ports are watched: the kernel tells nobody of a new listener.
const INTERVAL: Duration = Duration::from_millis(25);

/// Watches that the ports stay free; returns who took one.
pub(super) fn watch(
    request: &Request,
    scope: &Scope,
    answer: &Answer,
    interrupt: Option<BorrowedFd<'_>>,
) -> Result<Option<Answer>, FreeError> {
    let deadline = Instant::now().checked_add(request.settle);
    let filter = &request.filter;
    let at_stake = || answer.holdings.iter().filter(|holding| scope.covers(&holding.socket));
    let is_held = at_stake().any(|holding| filter.admits(holding));
    // those that were not asked for stay where they are
    let known: HashSet<u64> = at_stake().map(|holding| holding.socket.inode).collect();
    while !is_held && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let pause = Instant::now() + INTERVAL;
        let pause = deadline.map_or(pause, |deadline| pause.min(deadline));
        let interrupt: Vec<BorrowedFd<'_>> = interrupt.iter().map(AsFd::as_fd).collect();
        if !handle::ended(&interrupt, Some(pause)).map_err(FreeError::Wait)?.is_empty() {
            break;
        }
        if scope.open_sockets()?.iter().all(|socket| known.contains(&socket.inode)) {
            continue;
        }
        let now = look(&scope.query)?;
        if now.holdings.iter().any(|holding| scope.covers(&holding.socket) && filter.admits(holding)) {
            return Ok(Some(now));
        }
    }
    Ok(None)
}
