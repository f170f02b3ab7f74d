//! What standard input named: which holdings are meant by it, and what it named in vain.

use std::{collections::HashSet, io};

use port_who::{Answer, Holding, Socket, holds, network_of, own_network};
use proc_tree::{Facts, Identity, cli::text, process, selection::Selected};

use super::in_vain::{InVain, judge};
use crate::outcome::{Outcome, ProcessOutcome};

/// Tells whether this holding was named, or may have been: by a record without a PID, or by a process of which cannot be
/// seen whether it is the owner.
pub(super) fn is_named(one: &Selected, holding: &Holding) -> bool {
    if elsewhere(one).is_some() {
        return false;
    }
    let socket = &holding.socket;
    let may_be = || one.pid.is_none() || (holding.is_invisible() && may_hold(one, std::slice::from_ref(socket)));
    holding.process.as_ref().is_some_and(|process| is_selected(one, process, socket))
        || (one.port.is_some() && is_on_port(one, socket) && may_be())
}

/// Tells whether this process was named, on this port where one was named.
pub(super) fn is_selected(one: &Selected, process: &Facts, socket: &Socket) -> bool {
    elsewhere(one).is_none() && one.names(process.identity()).unwrap_or(false) && is_on_port(one, socket)
}

/// Names the network that a port was said to be in, where that is another one than this process's: what holds it there
/// cannot be seen from here.
fn elsewhere(one: &Selected) -> Option<u64> {
    one.netns.filter(|&named| own_network().is_some_and(|own| own != named))
}

/// Tells whether the named process lives and it cannot be seen whether it holds one of these sockets.
fn may_hold(one: &Selected, invisible: &[Socket]) -> bool {
    let lives = |pid| {
        // what cannot be seen may live
        Identity::of(pid).map_or(true, |now| now.is_some_and(|now| one.names(now).unwrap_or(true)))
    };
    one.pid.is_some_and(|pid| lives(pid) && holds(pid, invisible).is_err())
}

fn is_on_port(one: &Selected, socket: &Socket) -> bool {
    one.port.is_none_or(|port| port == socket.local.port())
        && one.protocol.as_ref().is_none_or(|named| *named == socket.protocol.to_string())
}

/// Tells of what was named and nobody holds: it may have ended, or let go.
pub(super) fn unmatched(selected: &[Selected], answer: &Answer) -> Vec<ProcessOutcome> {
    let holds = |one: &Selected| {
        answer
            .holdings
            .iter()
            .any(|holding| holding.process.as_ref().is_some_and(|process| is_selected(one, process, &holding.socket)))
    };
    let mut seen = HashSet::new();
    let missing = |one: &&Selected| {
        let is_asked_for = one.pid.is_some() || elsewhere(one).is_some();
        is_asked_for && !holds(one) && seen.insert((one.pid, one.start_id, one.port))
    };
    let nameless = selected.iter().any(|one| one.pid.is_none() && one.port.is_none()).then(|| ProcessOutcome {
        reason: Some("the record names neither a process nor a port".into()),
        ..ProcessOutcome::of_port(None, Outcome::Denied)
    });
    selected.iter().filter(missing).map(|one| in_vain(one, answer)).chain(nameless).collect()
}

/// Describes the very process that was named; `None` when it has ended.
fn runs(one: &Selected) -> io::Result<Option<Facts>> {
    let Some(pid) = one.pid else { return Ok(None) };
    let Some(now) = Identity::of(pid)? else { return Ok(None) };
    if !one.names(now)? {
        return Ok(None);
    }
    Ok(Facts::of(pid)?.filter(|process| process.identity() == now))
}

/// Says what there is to say of one that was named and holds nothing here.
fn in_vain(one: &Selected, answer: &Answer) -> ProcessOutcome {
    let thread_of = one.pid.and_then(|id| process::of_thread(id).ok().flatten());
    let seen = thread_of.map_or_else(|| runs(one), Facts::of);
    let process = seen.as_ref().ok().and_then(Option::as_ref);
    let invisible: Vec<Socket> =
        answer.invisible().map(|holding| &holding.socket).filter(|socket| is_on_port(one, socket)).cloned().collect();
    let (outcome, reason) = judge(&InVain {
        lives: seen.as_ref().map(|seen| seen.is_some() || one.pid.is_none()).map_err(text::os_error),
        network: elsewhere(one).or_else(|| process.and_then(|process| other_network(process.pid))),
        thread_of,
        port: one.port,
        is_port_held: answer.holdings.iter().any(|holding| is_on_port(one, &holding.socket)),
        may_hold: may_hold(one, &invisible),
    });
    ProcessOutcome {
        pid: one.pid,
        start_id: one.start_id.or(process.filter(|_| thread_of.is_none()).map(|process| process.start_id)),
        name: process.map(|process| process.name.clone()),
        reason: Some(reason),
        ..ProcessOutcome::of_port(one.port, outcome)
    }
}

fn other_network(pid: u32) -> Option<u64> {
    network_of(pid).filter(|&network| own_network().is_some_and(|own| own != network))
}
