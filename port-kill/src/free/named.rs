//! What standard input named: which holdings are meant by it, and what it named in vain.

use std::collections::HashSet;

use port_who::{Answer, Holding, Socket, holds};
use proc_tree::{Facts, Identity, selection::Selected};

use crate::outcome::{Outcome, ProcessOutcome};

/// Tells whether this holding was named, or may have been: by a record without a PID, or by a process of which cannot be
/// seen whether it is the owner.
pub(super) fn is_named(one: &Selected, holding: &Holding) -> bool {
    let socket = &holding.socket;
    let may_be = || one.pid.is_none() || (holding.is_invisible() && may_hold(one, std::slice::from_ref(socket)));
    holding.process.as_ref().is_some_and(|process| is_selected(one, process, socket))
        || (one.port.is_some() && is_on_port(one, socket) && may_be())
}

/// Tells whether this process was named, on this port where one was named.
pub(super) fn is_selected(one: &Selected, process: &Facts, socket: &Socket) -> bool {
    one.pid == Some(process.pid)
        && one.start_id.is_none_or(|start| start == process.start_id)
        && is_on_port(one, socket)
}

/// Tells whether the named process lives and it cannot be seen whether it holds one of these sockets.
fn may_hold(one: &Selected, invisible: &[Socket]) -> bool {
    let lives = |pid| {
        let identity = Identity::of(pid).ok().flatten();
        identity.is_some_and(|identity| one.start_id.is_none_or(|start| start == identity.start_id))
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
    let missing = |one: &&Selected| one.pid.is_some() && !holds(one) && seen.insert((one.pid, one.start_id, one.port));
    let nameless = selected.iter().any(|one| one.pid.is_none() && one.port.is_none()).then(|| ProcessOutcome {
        reason: Some("the record names neither a process nor a port".into()),
        ..ProcessOutcome::of_port(None, Outcome::Denied)
    });
    selected.iter().filter(missing).map(|one| in_vain(one, answer)).chain(nameless).collect()
}

fn in_vain(one: &Selected, answer: &Answer) -> ProcessOutcome {
    let now = one.pid.and_then(|pid| Facts::of(pid).ok().flatten());
    let same = now.filter(|now| one.start_id.is_none_or(|start| start == now.start_id));
    let invisible: Vec<Socket> =
        answer.invisible().map(|holding| &holding.socket).filter(|socket| is_on_port(one, socket)).cloned().collect();
    let unseen = may_hold(one, &invisible);
    let (outcome, reason) = match (&same, one.port) {
        (None, _) => (Outcome::Gone, "it had ended".to_owned()),
        (Some(_), Some(port)) if unseen => (Outcome::Denied, format!("it cannot be seen whether it holds port {port}")),
        (Some(_), Some(port)) => (Outcome::Gone, format!("it does not hold port {port}")),
        (Some(_), None) if unseen => (Outcome::Denied, "it cannot be seen what it holds".to_owned()),
        (Some(_), None) => (Outcome::NoPort, "it holds no port".to_owned()),
    };
    ProcessOutcome {
        pid: one.pid,
        start_id: one.start_id.or(same.as_ref().map(|same| same.start_id)),
        name: same.map(|same| same.name),
        reason: Some(reason),
        ..ProcessOutcome::of_port(one.port, outcome)
    }
}
