//! Who of those that hold a port accepts on it. A watcher may hold the socket for the process that serves (`uvicorn
//! --reload`), and a command that a server has run may have inherited it: when the server has ended, the port still takes
//! connections, which wait for nobody.
//!
//! That a holder ended tells little: workers come and go. That nothing accepts tells little: a server may be busy for long, or
//! load. So what is looked for is all of this: those that were seen to accept have ended, nobody came in their place, and
//! connections are not taken.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use port_who::Protocol;
use proc_tree::Identity;

use super::{connection::Connections, holding::Holding, port};

/// How long one that serves may take to accept a connection; one that takes longer is not told from its watcher.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// Finds the holders that serve. Where it cannot be told, all of them do.
pub(crate) fn of(holdings: &[Holding]) -> Vec<Identity> {
    told(holdings, |_| ()).unwrap_or_else(|| Holding::identities(holdings))
}

/// Finds those of several holders that are seen to accept a connection; `asks` is told how many were made. `None` where
/// nobody accepts in time: it may be told later.
pub(crate) fn told(holdings: &[Holding], asks: impl FnOnce(usize)) -> Option<Vec<Identity>> {
    let holders = Holding::identities(holdings);
    let is_tcp = |holding: &Holding| holding.socket.as_ref().is_some_and(|socket| socket.protocol == Protocol::Tcp);
    let Some(address) = port::listener(holdings).filter(|_| holders.len() > 1 && holdings.iter().all(is_tcp)) else {
        return Some(holders);
    };
    let own = Connections::open(address);
    asks(own.count());
    if own.count() == 0 {
        return None;
    }
    let until = Instant::now() + PATIENCE;
    loop {
        // what cannot be looked at may be anybody's
        let Ok(taken) = own.accepted() else { return Some(holders) };
        let have = |holder: &&Identity| port_who::holds(holder.pid, &taken).unwrap_or(true);
        let takers: Vec<Identity> = holders.iter().filter(|_| !taken.is_empty()).filter(have).copied().collect();
        if !takers.is_empty() {
            return Some(takers);
        }
        if holders.iter().any(|holder| holder.is_running().is_ok_and(|runs| !runs)) {
            // a launcher: its daemon has the socket from it, and is none of these
            return None;
        }
        if Instant::now() >= until {
            // who has taken it was started for this client alone
            return (!taken.is_empty()).then_some(holders);
        }
        sleep(LOOK);
    }
}

/// Tells whether only those hold a port that had it open before and were not seen to accept, while others were. `now` are the
/// holders that can be seen.
pub(crate) fn are_gone(holders: &[Identity], acceptors: &[Identity], now: &[Identity]) -> bool {
    let only_held = |one: &Identity| holders.contains(one) && !acceptors.contains(one);
    !acceptors.is_empty() && !now.is_empty() && now.iter().all(only_held)
}

/// Returns those holders that were seen to accept; where none of them was, all.
pub(crate) fn among(now: &[Identity], acceptors: &[Identity]) -> Vec<Identity> {
    let seen: Vec<Identity> = now.iter().filter(|one| acceptors.contains(one)).copied().collect();
    if seen.is_empty() { now.to_vec() } else { seen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_gone_when_only_those_are_left_that_were_not_seen_to_accept() {
        // 1 to 3 held it when 2, or who is named, was seen to accept; 4 came later
        for (holders, acceptors, now, gone) in [
            (&[1, 2][..], &[2][..], &[1][..], true),
            (&[1, 2], &[2], &[1, 2], false),
            (&[1, 2], &[2], &[1, 4], false),
            (&[1, 2], &[2], &[4], false),
            (&[1, 2], &[2], &[], false),
            (&[1, 2, 3], &[2, 3], &[1, 3], false),
            (&[1, 2, 3], &[2, 3], &[1], true),
            // a command that the server has run has it open too
            (&[1, 2, 3], &[2], &[1, 3], true),
            (&[2, 3], &[2], &[3], true),
            // it could not be told who accepts
            (&[2, 3], &[2, 3], &[2], false),
            (&[1], &[1], &[1], false),
            // nothing was recorded of them
            (&[1, 2], &[], &[1], false),
            (&[], &[], &[1], false),
        ] {
            let identities = |pids: &[u32]| pids.iter().map(|&pid| Identity { pid, start_id: 1 }).collect::<Vec<_>>();
            let found = are_gone(&identities(holders), &identities(acceptors), &identities(now));
            assert_eq!(found, gone, "{holders:?} {acceptors:?} {now:?}");
        }
    }
}
