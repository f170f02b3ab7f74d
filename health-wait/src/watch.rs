//! One target, asked at each of its addresses until it is as awaited.

use std::{future::pending, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    limit::Limit,
    lookup::{self, Lookup},
    plan::Plan,
    probe::{Endpoint, Probe},
    record::Record,
    schedule,
    standing::{Done, Standing},
    wait::Goal,
};

/// How the watch over one target ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It is as awaited.
    Reached,
    /// It was asked once and is not.
    Missed,
    /// It answered what can only mean failure.
    Failed,
}

/// Asks until the target is as awaited, and keeps the record of it up to date. Every new reason why it is not is
/// handed to `changed`. May be dropped at any time.
///
/// Every address has attempts of its own, one after the other, so that one that is slow to answer does not keep
/// another from being asked.
pub(crate) async fn watch(
    probe: &Probe<'_>,
    plan: &Plan<'_>,
    record: &mut Record,
    changed: &mut dyn FnMut(&str),
) -> End {
    match plan.started.checked_add(plan.options.initial_delay) {
        Some(first) => sleep_until(first).await,
        None => pending().await,
    }
    let mut standing = Standing::new(plan, record, changed);
    let mut attempts = FuturesUnordered::new();
    let host = probe.host();
    let known = host.map_or_else(|| vec![Endpoint::Here], |host| endpoints(lookup::known(host)));
    attempts
        .extend(standing.meet(&known).into_iter().map(|(place, endpoint)| attempt(probe, plan, place, endpoint, None)));
    let unknown = host.filter(|host| host.literal().is_none());
    let mut lookup = unknown.map(|host| Lookup::new(host.clone(), plan.options.attempt_limit(), plan.deadline));
    standing.is_complete = lookup.is_none();
    loop {
        tokio::select! {
            biased;
            Some(done) = attempts.next(), if !attempts.is_empty() => {
                let (place, endpoint) = (done.place, done.endpoint);
                let pause = schedule::pause(plan.options.interval, plan.started.elapsed(), done.pace());
                if standing.settle(done, probe) && !plan.is_over() {
                    attempts.push(attempt(probe, plan, place, endpoint, Some(pause)));
                }
            }
            found = next(&mut lookup), if lookup.is_some() => {
                if plan.once || plan.is_over() {
                    lookup = None;
                }
                let met = standing.resolve(found.map(endpoints));
                attempts.extend(met.into_iter().map(|(place, endpoint)| attempt(probe, plan, place, endpoint, None)));
            }
            else => return if plan.once { End::Missed } else { pending().await },
        }
        if let Some(end) = standing.end() {
            return end;
        }
    }
}

fn endpoints(addresses: Vec<std::net::SocketAddr>) -> Vec<Endpoint> {
    addresses.into_iter().map(Endpoint::Address).collect()
}

async fn next(lookup: &mut Option<Lookup>) -> Result<Vec<std::net::SocketAddr>, crate::Reason> {
    match lookup {
        Some(lookup) => lookup.next().await,
        None => pending().await,
    }
}

/// Pauses, then asks one address once.
async fn attempt(
    probe: &Probe<'_>,
    plan: &Plan<'_>,
    place: usize,
    endpoint: Endpoint,
    pause: Option<Duration>,
) -> Done {
    if let Some(pause) = pause {
        tokio::select! {
            () = sleep(pause) => {}
            // the kernel tells when a process ends: no need to wait for the next look
            () = probe.process_ended(), if plan.goal == Goal::Down => {}
        }
    }
    let started = Instant::now();
    let limit = Limit::of(plan.options.attempt_limit(), plan.deadline);
    let outcome = probe.attempt(endpoint, &limit).await;
    Done { place, endpoint, outcome, took: started.elapsed(), is_cut_short: limit.has_cut_short() }
}
