//! A process of a service that nobody recorded and that carries no mark: one that was started by hand and is on its way to
//! the port. Where the service has no port, it is its server.

use port_who::{LookError, Query};
use proc_tree::{Facts, Identity, Stat, process, tree};

use super::{
    asker::Asker, census::Census, command, folder::StateFolder, judge::By, record::ServerRecord, seen::Seen,
    session::Root,
};
use crate::{Port, Service};

/// Such a process, and by what it is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loading {
    /// The process.
    pub(crate) identity: Identity,
    /// By what it is known.
    pub(crate) by: By,
}

/// Finds the eldest such process; never one that this one descends from, one that holds a port where the service has one, or
/// one of another service's recorded server.
///
/// # Errors
/// When the sockets cannot be looked at.
pub(crate) fn find(
    service: &Service,
    port: Option<Port>,
    state_folder: &StateFolder,
    census: &Census,
    records: &[ServerRecord],
) -> Result<Option<Loading>, LookError> {
    let (user, words) = (Asker::of(service), service.command(port));
    let asked = user.asks_for(service, &words, port);
    let runs_it = |seen: &&Seen| command::differences(&seen.running(), &asked).is_empty();
    let here = census.unmarked_in(&service.cwd);
    let mut found: Vec<(&Facts, By)> = here.iter().filter(runs_it).map(|seen| (&seen.facts, By::Command)).collect();
    let all = if port.is_none() { census.unmarked_of(user.user) } else { Vec::new() };
    found.extend(all.iter().filter_map(|seen| Some((&seen.facts, told_by(seen, service, state_folder)?))));
    if !found.is_empty() {
        let others = records.iter().filter(|record| record.service != service.id).flat_map(ServerRecord::roots);
        let others: Vec<Root> = others.map(Root::of).collect();
        let is_anothers =
            |facts: &Facts| others.iter().any(|root| root.identity == facts.identity() || root.began(facts.session));
        found.retain(|(facts, _)| !is_anothers(facts));
    }
    if port.is_some() { on_its_way(found) } else { Ok(eldest(found)) }
}

/// By what else than its command a process is the server of a service without a port.
fn told_by(seen: &Seen, service: &Service, state_folder: &StateFolder) -> Option<By> {
    if seen.writes_to(&state_folder.of_service(&service.id, None, "")) {
        return Some(By::Service);
    }
    let pattern = service.spec.matching.as_ref()?;
    pattern.is_match(&seen.facts.command_line()).then(|| By::Pattern(pattern.as_str().to_owned()))
}

/// Chooses the eldest that holds no port yet.
fn on_its_way(mut found: Vec<(&Facts, By)>) -> Result<Option<Loading>, LookError> {
    if !found.is_empty() {
        let held = port_who::look(&Query::holders_of(Vec::new()))?.pids();
        let holds = |pid: u32| tree::members(pid).unwrap_or_default().iter().any(|member| held.contains(&member.pid));
        found.retain(|(facts, _)| !holds(facts.pid));
    }
    Ok(eldest(found))
}

fn eldest(found: Vec<(&Facts, By)>) -> Option<Loading> {
    let eldest = found.into_iter().min_by_key(|(facts, _)| facts.started_at);
    eldest.map(|(facts, by)| Loading { identity: facts.identity(), by })
}

/// Lists the processes that this one descends from.
pub(crate) fn above() -> Vec<Stat> {
    let this = process::stat(std::process::id()).ok().flatten();
    this.and_then(|this| tree::ancestors(&this).ok()).unwrap_or_default()
}
