//! Who of those that hold a port accepts on it. A watcher may hold the socket for the process that serves (`uvicorn
//! --reload`): when that has ended, the port still takes connections, which wait for nobody.
//!
//! That a holder ended tells little: workers come and go, and a command that a server runs while it loads inherits the socket
//! and never accepts. That nothing accepts tells little: a server may be busy for long. So what is looked for is all of this:
//! those that no other holder descended from were seen to accept, they have ended, nobody came in their place, and connections
//! are not taken.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use port_who::Protocol;
use proc_tree::{Identity, process, tree};

use super::{connection::Connection, holding::Holding, port};

/// How long one that serves may take to accept a connection; one that takes longer is not told from its watcher.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(5);

/// Finds the holders that serve. Where it cannot be told, all of them do.
pub(crate) fn of(holdings: &[Holding]) -> Vec<Identity> {
    told(holdings, || ()).unwrap_or_else(|| Holding::identities(holdings))
}

/// Finds the holders that serve, where others hold the socket for them: those from which no other holder descends, when one
/// of them is seen to accept a connection; `asks` is called before that is made. `None` where nobody accepts in time: it may
/// be told later.
pub(crate) fn told(holdings: &[Holding], asks: impl FnOnce()) -> Option<Vec<Identity>> {
    let holders = Holding::identities(holdings);
    if holders.len() < 2 {
        return Some(holders);
    }
    let above: Vec<Identity> = holders.iter().flat_map(ancestors).collect();
    let (watchers, lowest): (Vec<Identity>, Vec<Identity>) = holders.iter().partition(|holder| above.contains(holder));
    if watchers.is_empty() {
        return Some(holders);
    }
    asks();
    Some(if accept(holdings, &lowest, &watchers)? { lowest } else { holders })
}

fn ancestors(holder: &Identity) -> Vec<Identity> {
    let stat = process::stat_of(*holder).ok().flatten();
    let line = stat.and_then(|stat| tree::ancestors(&stat).ok()).unwrap_or_default();
    line.iter().map(proc_tree::Stat::identity).collect()
}

/// Connects, and tells whether one of these takes the connection, and none of the others has it; `None` where nobody takes
/// it in time.
fn accept(holdings: &[Holding], lowest: &[Identity], others: &[Identity]) -> Option<bool> {
    let tcp = holdings.iter().all(|holding| holding.socket.as_ref().is_some_and(|one| one.protocol == Protocol::Tcp));
    let Some(address) = port::listener(holdings).filter(|_| tcp) else { return Some(false) };
    let own = Connection::open(address)?;
    let until = Instant::now() + PATIENCE;
    loop {
        let Ok(taken) = own.accepted() else { return Some(false) };
        // of one that cannot be looked into it is not known
        let has = |one: &Identity, unknown| port_who::holds(one.pid, &taken).unwrap_or(unknown);
        if !taken.is_empty() && others.iter().any(|one| has(one, true)) {
            return Some(false);
        }
        if !taken.is_empty() && lowest.iter().any(|one| has(one, false)) {
            return Some(true);
        }
        if Instant::now() >= until {
            // who has taken it was started for this client alone
            return (!taken.is_empty()).then_some(false);
        }
        sleep(LOOK);
    }
}

/// Tells whether only those hold a port that held it for others before. `now` are the holders that can be seen.
pub(crate) fn are_gone(holders: &[Identity], acceptors: &[Identity], now: &[Identity]) -> bool {
    let held_for_others = |one: &Identity| holders.contains(one) && !acceptors.contains(one);
    !acceptors.is_empty() && !now.is_empty() && now.iter().all(held_for_others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_gone_when_only_those_are_left_that_others_descended_from() {
        // 1 watches, 2 and 3 are its children, 4 and 5 came later
        for (holders, acceptors, now, gone) in [
            (&[1, 2][..], &[2][..], &[1][..], true),
            (&[1, 2], &[2], &[1, 2], false),
            (&[1, 2], &[2], &[1, 4], false),
            (&[1, 2], &[2], &[4], false),
            (&[1, 2], &[2], &[], false),
            (&[1, 2, 3], &[2, 3], &[1, 3], false),
            (&[1, 2, 3], &[2, 3], &[1], true),
            // none of them descends from another one
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
