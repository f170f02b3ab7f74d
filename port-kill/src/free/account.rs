//! The account of a call: what came of each process and each port, and what the user could do next.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
};

use port_who::{Answer, Holding, Protocol, Socket};
use proc_tree::{Facts, Identity, selection::Selected, usage::memory, users};

use super::{
    aftermath,
    freeing::Freeing,
    keeper::{self, Keeper},
};
use crate::{
    Holder, Outcome, PortOutcome, ProcessOutcome, Report, Stopped, Target,
    request::{is_on_port, is_selected, may_hold},
};

/// Draws up the account.
pub(super) fn close(freeing: &Freeing<'_>, stopped: &[Stopped], answer: &Answer) -> io::Result<Report> {
    let mut report = Report { processes: freeing.decided.clone(), hints: freeing.hints.clone(), ..Report::default() };
    for one in stopped {
        report.processes.extend(on_each_port(one, freeing, freeing.memory.get(&one.identity).copied()));
    }
    if !freeing.request.dry_run && !freeing.request.settings.tree {
        survivors(freeing, stopped, &mut report)?;
    }
    ports(freeing, stopped, answer, &mut report)?;
    keepers(freeing, stopped, &mut report);
    denied(answer, &mut report);
    report.processes.sort_by_key(|process| process.port);
    Ok(report)
}

/// Tells of what standard input named and nobody holds: it may have ended, or let go.
pub(super) fn unmatched(selected: &[Selected], answer: &Answer) -> Vec<ProcessOutcome> {
    let holds = |one: &Selected| {
        answer
            .holdings
            .iter()
            .any(|holding| holding.process.as_ref().is_some_and(|process| is_selected(one, process, &holding.socket)))
    };
    let mut seen = HashSet::new();
    let missing = |one: &&Selected| one.pid.is_some() && !holds(one) && seen.insert((one.pid, one.start_id, one.port));
    let outcome = |one: &Selected| {
        let now = one.pid.and_then(|pid| Facts::of(pid).ok().flatten());
        let same = now.filter(|now| one.start_id.is_none_or(|start| start == now.start_id));
        let unseen = may_hold(one, &invisible(one, answer));
        let reason = match (&same, one.port) {
            (None, _) => "it had ended".to_owned(),
            (Some(_), Some(port)) if unseen => format!("it cannot be seen whether it holds port {port}"),
            (Some(_), Some(port)) => format!("it does not hold port {port}"),
            (Some(_), None) if unseen => "it cannot be seen what it holds".to_owned(),
            (Some(_), None) => "it holds no port".to_owned(),
        };
        ProcessOutcome {
            pid: one.pid,
            start_id: one.start_id.or(same.as_ref().map(|same| same.start_id)),
            name: same.map(|same| same.name),
            reason: Some(reason),
            ..ProcessOutcome::of_port(one.port, if unseen { Outcome::Denied } else { Outcome::Gone })
        }
    };
    let nameless = selected.iter().any(|one| one.pid.is_none() && one.port.is_none()).then(|| ProcessOutcome {
        reason: Some("the record names neither a process nor a port".into()),
        ..ProcessOutcome::of_port(None, Outcome::Denied)
    });
    selected.iter().filter(missing).map(outcome).chain(nameless).collect()
}

/// Returns the sockets without a visible owner that the named process may hold.
pub(super) fn invisible(one: &Selected, answer: &Answer) -> Vec<Socket> {
    answer.invisible().map(|holding| &holding.socket).filter(|socket| is_on_port(one, socket)).cloned().collect()
}

fn on_each_port<'a>(
    one: &'a Stopped,
    freeing: &'a Freeing<'_>,
    memory: Option<u64>,
) -> impl Iterator<Item = ProcessOutcome> + use<'a> {
    let ports = freeing.ports.get(&one.identity).or_else(|| freeing.ports.get(&one.root));
    ports.into_iter().flatten().map(move |&port| ProcessOutcome {
        pid: Some(one.identity.pid),
        start_id: Some(one.identity.start_id),
        name: Some(one.name.clone()),
        role: one.role,
        signal: one.signal,
        elapsed: one.elapsed,
        reason: one.reason.clone(),
        ignored: one.ignored,
        memory,
        ..ProcessOutcome::of_port(port, one.outcome)
    })
}

/// Adds the descendants that outlive their server.
fn survivors(freeing: &Freeing<'_>, stopped: &[Stopped], report: &mut Report) -> io::Result<()> {
    let over: HashSet<Identity> = stopped.iter().filter(|one| one.outcome.is_end()).map(|one| one.identity).collect();
    let mut seen: HashSet<Identity> = stopped.iter().map(|one| one.identity).collect();
    seen.extend(freeing.spared.keys());
    let mut roots: HashMap<Identity, Identity> = HashMap::new();
    let mut orphans = Vec::new();
    for (root, stat) in freeing.descendants.iter().filter(|(root, _)| over.contains(root)) {
        if seen.insert(stat.identity()) {
            roots.insert(stat.identity(), *root);
            orphans.push(stat.clone());
        }
    }
    let left = aftermath::left_behind(orphans)?;
    if left.is_empty() {
        return Ok(());
    }
    let pids: Vec<u32> = left.iter().map(|stat| stat.pid).collect();
    for (stat, memory) in left.iter().zip(memory::of_processes(&pids)) {
        let one = Stopped {
            outcome: Outcome::Survived,
            signal: None,
            reason: Some("its server ended".into()),
            ..Stopped::would_signal(stat, roots[&stat.identity()], freeing.request.settings.signal)
        };
        report.processes.extend(on_each_port(&one, freeing, memory));
    }
    let what = if left.len() == 1 { "a descendant is".to_owned() } else { format!("{} descendants are", left.len()) };
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    report.hint(format!("{what} left: kill {}; --tree stops descendants with their server", pids.join(" ")));
    Ok(())
}

fn ports(freeing: &Freeing<'_>, stopped: &[Stopped], answer: &Answer, report: &mut Report) -> io::Result<()> {
    let held = aftermath::held_by(answer, &freeing.scope);
    for (port, protocol) in at_stake(freeing, report) {
        let holders = protocol.and_then(|protocol| held.get(&(port, protocol)));
        let was_held = protocol.is_some_and(|protocol| freeing.held.contains(&(port, protocol)));
        let nothing = || "nothing was listening".to_owned();
        let outcome = match holders {
            Some(holders) => PortOutcome {
                port,
                protocol,
                free: false,
                reason: Some(why_held(freeing, stopped, port, holders, report)?),
                held_by: holders.iter().map(Holder::of_holding).collect(),
            },
            None => PortOutcome { port, protocol, free: true, reason: (!was_held).then(nothing), held_by: Vec::new() },
        };
        report.ports.push(outcome);
    }
    Ok(())
}

/// Each port that was held, and each that was named by itself: a range is not written out.
fn at_stake(freeing: &Freeing<'_>, report: &mut Report) -> BTreeSet<(u16, Option<Protocol>)> {
    let mut ports: BTreeSet<(u16, Option<Protocol>)> =
        freeing.held.iter().map(|&(port, protocol)| (port, Some(protocol))).collect();
    let Target::Ports(specs) = &freeing.request.target else { return ports };
    for spec in specs {
        let was_held = |port| {
            let meant = |protocol| spec.protocol().is_none_or(|named| named == protocol);
            freeing.held.iter().any(|&(one, protocol)| one == port && meant(protocol))
        };
        let text = spec.to_string();
        if !spec.ports().any(was_held) && !report.unheld.contains(&text) {
            report.unheld.push(text);
        }
        let single = spec.ranges().iter().filter(|(low, high)| low == high).map(|&(port, _)| port);
        ports.extend(single.filter(|&port| !was_held(port)).map(|port| (port, spec.protocol())));
    }
    ports
}

fn why_held(
    freeing: &Freeing<'_>,
    stopped: &[Stopped],
    port: u16,
    holders: &[Holding],
    report: &mut Report,
) -> io::Result<String> {
    let mut reasons: Vec<String> = Vec::new();
    for holding in holders {
        let reason = match &holding.process {
            Some(process) => why_held_by(freeing, stopped, process, report)?,
            None if freeing.request.filter.admits(holding) => {
                let denied = |one: &ProcessOutcome| one.port == Some(port) && one.outcome == Outcome::Denied;
                if !report.processes.iter().any(denied) {
                    report.processes.push(unseen(port, holding));
                }
                "its owner is not visible to you".to_owned()
            }
            None => "its owner was left alone: it was not selected".to_owned(),
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    Ok(reasons.join("; "))
}

fn why_held_by(freeing: &Freeing<'_>, stopped: &[Stopped], process: &Facts, report: &mut Report) -> io::Result<String> {
    let name = format!("{} ({})", process.name, process.pid);
    if let Some(reason) = freeing.spared.get(&process.identity()) {
        return Ok(format!("{name} was left alone: {reason}"));
    }
    if freeing.request.dry_run {
        return Ok(format!("{name} holds it"));
    }
    if let Some(one) = stopped.iter().find(|one| one.identity == process.identity()) {
        let reason = one.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        return Ok(format!("{name} {}{reason}", one.outcome.word()));
    }
    if let Some(Keeper::Other { name, stop }) = Keeper::of(process)? {
        report.hint(kept(&name, &stop));
    }
    let by = keeper::starter(process)?.map(|by| format!(", started by {by}")).unwrap_or_default();
    Ok(format!("{name} took it again{by}"))
}

/// Says who may start again what was stopped.
fn keepers(freeing: &Freeing<'_>, stopped: &[Stopped], report: &mut Report) {
    for (identity, keeper) in &freeing.keepers {
        let is_over = |one: &&Stopped| one.outcome.is_end() || one.outcome == Outcome::WouldSignal;
        if let Keeper::Other { name, stop } = keeper
            && stopped.iter().filter(is_over).any(|one| one.identity == *identity)
        {
            report.hint(kept(name, stop));
        }
    }
}

fn kept(name: &str, stop: &str) -> String {
    format!("{name} may start it again: {stop}")
}

/// Says what would let the user do it.
fn denied(answer: &Answer, report: &mut Report) {
    let mut ports: Vec<u16> = report
        .processes
        .iter()
        .filter(|process| process.outcome == Outcome::Denied)
        .filter_map(|process| process.port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        return;
    }
    if rustix::process::geteuid().is_root() {
        report.hints.extend(port_who::report::unseen_by_root(answer));
    } else {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        report.hint(format!("sudo port-kill {}", ports.join(" ")));
    }
}

fn unseen(port: u16, holding: &Holding) -> ProcessOutcome {
    let user = holding.socket.uid.map(|uid| users::name(uid).unwrap_or_else(|| uid.to_string()));
    let user = user.map(|user| format!(" (user {user})")).unwrap_or_default();
    ProcessOutcome {
        reason: Some(format!("owner not visible to you{user}")),
        ..ProcessOutcome::of_port(port, Outcome::Denied)
    }
}
