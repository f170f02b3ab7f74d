//! The attempts at one target, at each of its addresses, until there is a verdict.

use std::{future::pending, net::SocketAddr};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

use crate::{
    probe::{
        Probe,
        endpoint::Endpoint,
        lookup::{self, Lookup},
    },
    reason::Reason,
    schedule::{self, Schedule, until},
    target_state::{Attempt, TargetState},
    verdict::{Goal, Rules, TargetVerdict},
};

/// Asks until there is a verdict, and keeps the state of the target up to date. Every new reason why it is not as
/// awaited is handed to `changed`. May be dropped at any time.
///
/// Every address has attempts of its own, one after the other, so that one that is slow to answer does not keep
/// another from being asked.
pub(super) async fn until_verdict(
    probe: &Probe<'_>,
    rules: Rules,
    schedule: &Schedule,
    state: &mut TargetState,
    changed: &mut dyn FnMut(&str),
) -> TargetVerdict {
    until(schedule.first()).await;
    let host = probe.host();
    let known = host.map_or_else(|| vec![Endpoint::Here], |host| endpoints(lookup::known(host)));
    let mut lookup = needs_lookup(probe).then_some(host).flatten().map(|host| Lookup::new(host.clone(), *schedule));
    let begin = |endpoint, at| attempt(probe, rules, schedule, endpoint, at);
    let mut attempts: FuturesUnordered<_> =
        state.meet(&known, Instant::now()).into_iter().map(|endpoint| begin(endpoint, None)).collect();
    loop {
        if let Some(verdict) = state.judge(attempts.is_empty() && lookup.is_none()) {
            return verdict;
        }
        tokio::select! {
            biased;
            Some(attempt) = attempts.next(), if !attempts.is_empty() => {
                let (endpoint, now) = (attempt.endpoint, attempt.ended);
                let again = schedule.again(now, probe.pace(endpoint, &attempt.outcome), schedule::random());
                if state.settle(attempt) && let Some(again) = again {
                    attempts.push(begin(endpoint, Some(again)));
                }
            }
            found = next(&mut lookup), if lookup.is_some() => {
                let now = Instant::now();
                let is_over = schedule.is_over(now);
                if rules.once || is_over {
                    lookup = None;
                }
                match found {
                    Ok(addresses) => {
                        let met = state.resolved(&endpoints(addresses), now);
                        attempts.extend(met.into_iter().map(|endpoint| begin(endpoint, None)));
                    }
                    Err(reason) => state.unresolved(reason),
                }
            }
            // the deadline has passed, and is what ends the wait
            else => pending().await,
        }
        if let Some(reason) = state.take_news() {
            changed(&reason);
        }
    }
}

/// Tells whether the addresses of a target have to be looked up.
pub(super) fn needs_lookup(probe: &Probe<'_>) -> bool {
    probe.host().is_some_and(|host| host.literal().is_none())
}

fn endpoints(addresses: Vec<SocketAddr>) -> Vec<Endpoint> {
    addresses.into_iter().map(Endpoint::Address).collect()
}

async fn next(lookup: &mut Option<Lookup>) -> Result<Vec<SocketAddr>, Reason> {
    match lookup {
        Some(lookup) => lookup.next().await,
        None => pending().await,
    }
}

/// Asks one address once, at once or when it is time.
async fn attempt(
    probe: &Probe<'_>,
    rules: Rules,
    schedule: &Schedule,
    endpoint: Endpoint,
    at: Option<Instant>,
) -> Attempt {
    if at.is_some() {
        tokio::select! {
            () = until(at) => {}
            // the kernel tells when a process ends: no need to wait for the next look
            () = probe.news(), if rules.goal == Goal::Down => {}
        }
    }
    let began = Instant::now();
    let limit = schedule.limit(began);
    let outcome = probe.attempt(endpoint, &limit).await;
    let ended = Instant::now();
    let name = probe.name(endpoint);
    Attempt { endpoint, name, outcome, began, ended, is_cut_short: limit.has_cut_short(ended) }
}
