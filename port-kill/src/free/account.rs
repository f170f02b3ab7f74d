//! The account of a call: what came of each process and each port, and what the user could do next.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
};

use port_who::{Answer, Holding, Protocol};
use proc_tree::{Facts, Identity, process, selection::Selected};

use super::{aftermath, freeing::Freeing};
use crate::{Holder, Outcome, PortOutcome, ProcessOutcome, Report, Role, Stopped, Target, request::is_selected};

/// Draws up the account.
pub(super) fn close(freeing: &Freeing<'_>, stopped: Vec<Stopped>, answer: &Answer) -> io::Result<Report> {
    let mut report = Report { processes: freeing.decided.clone(), ..Report::default() };
    for one in &stopped {
        report.processes.extend(on_each_port(one, freeing));
    }
    if !freeing.request.dry_run && !freeing.request.settings.tree {
        survivors(freeing, &stopped, &mut report)?;
    }
    ports(freeing, &stopped, answer, &mut report)?;
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
    selected
        .iter()
        .filter(|one| one.pid.is_some() && !holds(one) && seen.insert((one.pid, one.start_id, one.port)))
        .map(|one| {
            let now = one.pid.and_then(|pid| Facts::of(pid).ok().flatten());
            let same = now.filter(|now| one.start_id.is_none_or(|start| start == now.start_id));
            let reason = match (&same, one.port) {
                (None, _) => "it had ended".to_owned(),
                (Some(_), Some(port)) => format!("it does not hold port {port}"),
                (Some(_), None) => "it holds no port".to_owned(),
            };
            ProcessOutcome {
                port: one.port,
                pid: one.pid,
                start_id: one.start_id.or(same.as_ref().map(|same| same.start_id)),
                name: same.map(|same| same.name),
                role: Role::Holder,
                outcome: Outcome::Gone,
                signal: None,
                elapsed: None,
                reason: Some(reason),
                ignored: None,
                memory: None,
            }
        })
        .collect()
}

fn on_each_port<'a>(one: &'a Stopped, freeing: &'a Freeing<'_>) -> impl Iterator<Item = ProcessOutcome> + 'a {
    let ports = freeing.ports.get(&one.identity).or_else(|| freeing.ports.get(&one.root));
    ports.into_iter().flatten().map(|&port| ProcessOutcome {
        port: Some(port),
        pid: Some(one.identity.pid),
        start_id: Some(one.identity.start_id),
        name: Some(one.name.clone()),
        role: one.role,
        outcome: one.outcome,
        signal: one.signal,
        elapsed: one.elapsed,
        reason: one.reason.clone(),
        ignored: one.ignored,
        memory: one.memory,
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
    for stat in &left {
        let mut one = Stopped::would_signal(stat, roots[&stat.identity()], freeing.request.settings.signal);
        one.outcome = Outcome::Survived;
        one.signal = None;
        one.reason = Some("its server ended".into());
        report.processes.extend(on_each_port(&one, freeing));
    }
    if !left.is_empty() {
        let pids: Vec<String> = left.iter().map(|stat| stat.pid.to_string()).collect();
        let what =
            if left.len() == 1 { "a descendant is".to_owned() } else { format!("{} descendants are", left.len()) };
        report.hint(format!("{what} left: kill {}; --tree stops descendants with their server", pids.join(" ")));
    }
    Ok(())
}

fn ports(freeing: &Freeing<'_>, stopped: &[Stopped], answer: &Answer, report: &mut Report) -> io::Result<()> {
    let held = aftermath::held_by(answer, &freeing.scope);
    let mut ports: BTreeSet<(u16, Option<Protocol>)> =
        freeing.held.iter().map(|&(port, protocol)| (port, Some(protocol))).collect();
    if let Target::Ports(specs) = &freeing.request.target {
        for spec in specs {
            let was_held = |port| {
                freeing
                    .held
                    .iter()
                    .any(|&(one, protocol)| one == port && spec.protocol().is_none_or(|named| named == protocol))
            };
            if !spec.ports().any(was_held) {
                report.unheld.push(spec.to_string());
            }
            let single = spec.ranges().iter().filter(|(low, high)| low == high).map(|&(port, _)| port);
            ports.extend(single.filter(|&port| !was_held(port)).map(|port| (port, spec.protocol())));
        }
    }
    for (port, protocol) in ports {
        let holders = protocol.and_then(|protocol| held.get(&(port, protocol)));
        let was_held = protocol.is_some_and(|protocol| freeing.held.contains(&(port, protocol)));
        let outcome = match holders {
            Some(holders) => still_held(freeing, stopped, port, protocol, holders, report)?,
            None => PortOutcome {
                port,
                protocol,
                free: true,
                reason: (!was_held).then(|| "nothing was listening".to_owned()),
                held_by: Vec::new(),
            },
        };
        report.ports.push(outcome);
    }
    Ok(())
}

fn still_held(
    freeing: &Freeing<'_>,
    stopped: &[Stopped],
    port: u16,
    protocol: Option<Protocol>,
    holders: &[Holding],
    report: &mut Report,
) -> io::Result<PortOutcome> {
    let mut reasons: Vec<String> = Vec::new();
    for holding in holders {
        let reason = match &holding.process {
            None => {
                report.processes.push(invisible(port, holding));
                report.hint(format!("sudo port-kill {port}"));
                "its owner is not visible to you".to_owned()
            }
            Some(process) => why_held(freeing, stopped, process)?,
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    Ok(PortOutcome {
        port,
        protocol,
        free: false,
        reason: Some(reasons.join("; ")),
        held_by: holders.iter().map(Holder::of_holding).collect(),
    })
}

fn why_held(freeing: &Freeing<'_>, stopped: &[Stopped], process: &Facts) -> io::Result<String> {
    let name = format!("{} ({})", process.name, process.pid);
    if freeing.request.dry_run {
        return Ok(format!("{name} holds it"));
    }
    if let Some(reason) = freeing.spared.get(&process.identity()) {
        return Ok(format!("{name} was left alone: {reason}"));
    }
    if let Some(one) = stopped.iter().find(|one| one.identity == process.identity()) {
        let reason = one.reason.as_deref().unwrap_or("still alive");
        return Ok(format!("{name} {}: {reason}", one.outcome.word()));
    }
    let by = match process::stat(process.ppid)? {
        Some(parent) => format!(", started by {} ({})", Facts::from_stat(parent.clone()).name, parent.pid),
        None => String::new(),
    };
    Ok(format!("{name} holds it again{by}"))
}

fn invisible(port: u16, holding: &Holding) -> ProcessOutcome {
    let user = holding.socket.uid.map(|uid| proc_tree::users::name(uid).unwrap_or_else(|| uid.to_string()));
    let user = user.map(|user| format!(" (user {user})")).unwrap_or_default();
    ProcessOutcome {
        port: Some(port),
        pid: None,
        start_id: None,
        name: None,
        role: Role::Holder,
        outcome: Outcome::Denied,
        signal: None,
        elapsed: None,
        reason: Some(format!("owner not visible to you{user}")),
        ignored: None,
        memory: None,
    }
}
