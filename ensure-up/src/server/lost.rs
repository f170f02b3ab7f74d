//! Servers whose records are lost: what can be known of them is found again in what their processes carry.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use proc_tree::{Identity, Stat, process, tree};

use super::{
    census::Census,
    command::Running,
    files,
    folder::StateFolder,
    mark::Mark,
    phase::Phase,
    record::ServerRecord,
    seen::Seen,
    started::{Started, Variables},
};
use crate::{Port, ServiceSpec, service::id::ServiceId};

/// Adds to the records those of the servers that run and have none that is true. Only restarts and reasons are lost.
pub(crate) fn found_again(
    mut records: Vec<ServerRecord>,
    census: &Census,
    state_folder: &StateFolder,
) -> Vec<ServerRecord> {
    let mut marks: BTreeMap<(&ServiceId, Option<Port>), &Mark> = BTreeMap::new();
    for seen in census.all_marked() {
        marks.extend(seen.mark.as_ref().map(|mark| ((&mark.started.service, mark.started.port), mark)));
    }
    for ((service, port), mark) in marks {
        let place = records.iter().position(|record| record.is_of(service, port));
        let known = place.map(|place| &records[place]);
        if known.is_some_and(|known| known.roots().into_iter().chain(known.supervisor).any(|one| census.has(one))) {
            continue;
        }
        // whoever is another service's by now is that one's alone
        let is_taken = |record: &ServerRecord| {
            let is_root = |seen: &Seen| record.roots().contains(&seen.facts.identity());
            record.service != *service && record.port == port && census.marked(service, port).any(is_root)
        };
        if records.iter().any(is_taken) {
            continue;
        }
        let Some(record) = rebuilt(mark, known, census, state_folder) else { continue };
        // what is left of a server that was ready, and holds its port no more or may have inherited its socket, or of a job is no
        // server on its way up: what is recorded of that says more
        let is_led = || leader(&census.marked(service, port).collect::<Vec<_>>(), true, known).is_some();
        let holds_none = || port.is_some() && (record.holders.is_empty() || !is_led());
        let is_left = |known: &ServerRecord| match known.phase {
            Phase::Starting => false,
            Phase::Ready => record.pid == 0 || (record.supervisor.is_none() && holds_none()),
            _ => record.pid == 0,
        };
        if mark.state == state_folder.path && known.is_some_and(is_left) {
            continue;
        }
        match place {
            Some(place) => records[place] = record,
            None => records.push(record),
        }
    }
    records.into_iter().map(|record| with_supervisor(record, census)).collect()
}

/// Finds the server on a port that no record and no mark tells of, by the log of ours that its output goes to: nobody else
/// can have opened a file in the state folder. Of its service no more is known than the folder that it was started in.
pub(crate) fn by_log(port: Port, census: &Census, state_folder: &StateFolder) -> Option<ServerRecord> {
    let holders = census.unmarked_holders(port);
    let log = |seen: &Seen| {
        let ours =
            |path: &&PathBuf| path.parent() == Some(&state_folder.path) && files::port_of(path, "log") == Some(port);
        seen.outputs.iter().find(ours).cloned()
    };
    let (main, log) = holders.iter().find_map(|seen| Some((seen, log(seen)?)))?;
    // one that came up since the census tells more
    if let Some(mark) = &main.mark {
        return described(&mark.started, &[main], None, None, census, state_folder);
    }
    let started_in = || Running::new(&main.facts, main.environment.as_deref()).started_in().map(Path::to_owned);
    let folder = started_in().or_else(|| main.facts.cwd.clone()).unwrap_or_default();
    let started = Started {
        service: ServiceId { folder: folder.clone(), name: None },
        program: main.facts.name.clone(),
        port: Some(port),
        command: 0,
        cwd: folder,
        environment: Variables::new(),
    };
    let record = described(&started, &[main], None, None, census, state_folder)?;
    Some(ServerRecord { log: Some(log), ..record })
}

/// Names the supervisor that runs in a record that names none that does: another starter may have written over it.
pub(crate) fn with_supervisor(record: ServerRecord, census: &Census) -> ServerRecord {
    if record.supervisor.is_some_and(|supervisor| census.has(supervisor)) {
        return record;
    }
    let supervisor = census.supervisor(&record.service, record.port).or(record.supervisor);
    ServerRecord { supervisor, ..record }
}

/// Finds again what is known of a service's server, over what is recorded of it.
pub(crate) fn find(
    state_folder: &StateFolder,
    service: &ServiceId,
    port: Option<Port>,
) -> io::Result<Option<ServerRecord>> {
    let recorded = ServerRecord::read(state_folder, service, port)?;
    let found = found_again(recorded.into_iter().collect(), &Census::take()?, state_folder);
    Ok(found.into_iter().find(|record| record.is_of(service, port)))
}

/// Describes a server by its processes, over what was recorded of an earlier one.
fn rebuilt(
    mark: &Mark,
    known: Option<&ServerRecord>,
    census: &Census,
    state_folder: &StateFolder,
) -> Option<ServerRecord> {
    let started = &mark.started;
    let supervisor = census.supervisor(&started.service, started.port);
    let marked: Vec<&Seen> = census.marked(&started.service, started.port).collect();
    described(started, &marked, supervisor, known, census, state_folder)
}

fn described(
    started: &Started,
    marked: &[&Seen],
    supervisor: Option<Identity>,
    known: Option<&ServerRecord>,
    census: &Census,
    state_folder: &StateFolder,
) -> Option<ServerRecord> {
    // a title may have been written over the environment of what a supervisor started
    let below = supervisor.and_then(|supervisor| census.children(supervisor).next());
    let holders = started.port.map(|port| holders(port, marked, below)).unwrap_or_default();
    let leader = leader(marked, !holders.is_empty(), known);
    let main = leader.map(|seen| seen.facts.identity()).or(below);
    // whoever is left of one whose first process is gone and of which nobody holds the port is a leftover: no process is
    // the server's then
    let Identity { pid, start_id } =
        main.or(holders.first().copied()).or(supervisor).unwrap_or(Identity { pid: 0, start_id: 0 });
    let shown = leader.or(marked.first().copied()).map(|seen| &seen.facts);
    let command = shown.and_then(|facts| facts.command.clone()).unwrap_or_default();
    if pid == 0 && marked.is_empty() {
        return None;
    }
    let spec = ServiceSpec::default();
    let stem = files::stem(&started.service, started.port);
    let log = state_folder.path.join(format!("{stem}.log"));
    let name = started.service.name.clone().unwrap_or_else(|| started.program.clone());
    let known = known.cloned();
    Some(ServerRecord {
        service: started.service.clone(),
        name,
        port: started.port,
        netns: port_who::own_network(),
        pid,
        start_id,
        boot_id: process::boot_id().unwrap_or_default().to_owned(),
        phase: if started.port.is_some() && holders.is_empty() && main.or(supervisor).is_some() {
            Phase::Starting
        } else {
            Phase::Ready
        },
        holders,
        acceptors: Vec::new(),
        command,
        fingerprint: started.command,
        cwd: started.cwd.clone(),
        environment: started.environment.clone(),
        log: known.as_ref().and_then(|known| known.log.clone()).or_else(|| log.exists().then_some(log)),
        health: known.as_ref().map(|known| known.health.clone()).unwrap_or_default(),
        probe: known.as_ref().map_or(spec.probe, |known| known.probe.clone()),
        stop_signal: known.as_ref().and_then(|known| known.stop_signal.clone()),
        grace_ms: known.as_ref().map_or(5000, |known| known.grace_ms),
        restarts: 0,
        reloads: 0,
        supervisor,
        end: None,
        reason: None,
        is_being_stopped: known.as_ref().is_some_and(|known| known.is_being_stopped),
        once: known.as_ref().is_some_and(|known| known.once),
        asked: known.as_ref().and_then(|known| known.asked.clone()),
        depends_on: known.map(|known| known.depends_on).unwrap_or_default(),
    })
}

/// Finds the process that is the server: the one that was started, or a daemon that has left that. Where no port is held, a
/// child that was left behind in a session of its own looks the same: then the record tells.
fn leader<'s>(marked: &[&'s Seen], is_held: bool, known: Option<&ServerRecord>) -> Option<&'s Seen> {
    // a job is no daemon
    let is_on_its_way = known.is_some_and(|known| known.phase == Phase::Starting && !known.once);
    let mut daemons = marked.iter().filter(|_| is_held || is_on_its_way);
    let daemon = || daemons.find(|seen| seen.facts.session == seen.facts.pid);
    marked.iter().find(|seen| seen.is_main()).or_else(daemon).copied()
}

/// Lists those of these processes that hold the port, and whom else of the server that is seen to do so.
fn holders(port: Port, marked: &[&Seen], below: Option<Identity>) -> Vec<Identity> {
    let sockets = super::port::sockets(port).unwrap_or_default();
    if sockets.is_empty() {
        return Vec::new();
    }
    let of_tree = below.map(|below| tree::members(below.pid).unwrap_or_default()).unwrap_or_default();
    let all = marked.iter().map(|seen| seen.facts.identity()).chain(of_tree.iter().map(Stat::identity));
    proc_tree::ascending(all.filter(|one| port_who::holds(one.pid, &sockets).unwrap_or(false)))
}
