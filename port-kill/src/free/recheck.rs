//! What the kernel says of the ports when the work is done.

use std::{
    collections::HashSet,
    io, thread,
    time::{Duration, Instant},
};

use port_who::{Answer, Holding, LookError, look};
use proc_tree::{Handle, Stat, handle};

use super::scope::Scope;
use crate::stop::descriptors;

/// How long a socket may stay behind its last holder: the kernel closes it elsewhere, as for io_uring, without a sign.
const LINGER: Duration = Duration::from_millis(200);

/// How long descendants may take to see that their server has ended, before they count as left behind.
const DYING: Duration = Duration::from_millis(200);

/// Looks again. While the ports are free this reads no process at all.
///
/// `held` are the sockets whose holders were seen before: one of those without a holder is on its way out.
pub(super) fn look_again(scope: &Scope, held: &HashSet<u64>) -> Result<Answer, LookError> {
    let deadline = Instant::now() + LINGER;
    let mut pause = Duration::from_millis(1);
    loop {
        if scope.open_sockets()?.is_empty() {
            return Ok(Answer::default());
        }
        let answer = look(&scope.query)?;
        let is_leaving = |holding: &&Holding| holding.process.is_none() && held.contains(&holding.socket.inode);
        let at_stake = answer.holdings.iter().filter(|holding| scope.covers(&holding.socket));
        let (leaving, staying): (Vec<&Holding>, Vec<&Holding>) = at_stake.partition(is_leaving);
        if leaving.is_empty() || !staying.is_empty() || Instant::now() >= deadline {
            return Ok(answer);
        }
        thread::sleep(pause);
        pause *= 2;
    }
}

/// Returns those that outlive their server.
pub(super) fn left_behind(descendants: Vec<Stat>) -> io::Result<Vec<Stat>> {
    let deadline = Instant::now() + DYING;
    let (spare, mut handles, mut living) = (descriptors::spare(), Vec::new(), HashSet::new());
    for identity in descendants.iter().map(Stat::identity) {
        // there may be more of them than descriptors: those are looked at when the time is over
        match if handles.len() < spare { Handle::open(identity).ok() } else { None } {
            Some(handle) => handles.extend(handle),
            None => drop(living.insert(identity)),
        }
    }
    let alive = handle::outliving(handles, deadline)?;
    if !living.is_empty() {
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        living.retain(|identity| identity.is_running().unwrap_or(true));
    }
    living.extend(alive.iter().map(Handle::identity));
    Ok(descendants.into_iter().filter(|stat| living.contains(&stat.identity())).collect())
}
