//! Who of those that hold a port accepts on it. A watcher may hold the socket for the process that serves (`uvicorn
//! --reload`): when that has ended, the port still takes connections, which wait for nobody.
//!
//! That a holder ended tells little: workers come and go. That nothing accepts tells little: a server may be busy for long.
//! So what is looked for is both: all that no other holder descended from have ended, nobody came in their place, and
//! connections are not taken.

use proc_tree::{Identity, process, tree};

use super::holding::Holding;

/// Finds the holders from which no other holder descends: those that serve, where others hold the socket for them.
pub(crate) fn of(holdings: &[Holding]) -> Vec<Identity> {
    let holders = identities(holdings);
    if holders.len() < 2 {
        return holders;
    }
    let above = |holder: &Identity| {
        let stat = process::stat(holder.pid).ok().flatten().filter(|stat| stat.identity() == *holder);
        let line = stat.and_then(|stat| tree::ancestors(&stat).ok()).unwrap_or_default();
        line.iter().map(proc_tree::Stat::identity).collect::<Vec<_>>()
    };
    let above: Vec<Identity> = holders.iter().flat_map(above).collect();
    holders.into_iter().filter(|holder| !above.contains(holder)).collect()
}

/// Returns those that can be seen, each once.
pub(crate) fn identities(holdings: &[Holding]) -> Vec<Identity> {
    proc_tree::ascending(holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.identity())))
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
