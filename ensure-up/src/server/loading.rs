//! A process that runs a service's command and that nobody recorded: started by hand, and on its way to the port. Where the
//! service has no port, it is its server.

use port_who::{LookError, Query};
use proc_tree::{Facts, Identity, Stat, process, tree};

use super::{asker::Asker, census::Census, command, record::ServerRecord, session::Root};
use crate::{Port, Service};

/// Finds the eldest such process; never one that this one descends from, one that holds a port where the service has one, or
/// one of another service's recorded server.
///
/// # Errors
/// When the sockets cannot be looked at.
pub(crate) fn find(
    service: &Service,
    port: Option<Port>,
    census: &Census,
    records: &[ServerRecord],
) -> Result<Option<Identity>, LookError> {
    let (user, words) = (Asker::of(service), service.command(port));
    let asked = user.asks_for(service, &words, port);
    let above = above();
    let others = records.iter().filter(|record| record.service != service.id).flat_map(ServerRecord::roots);
    let others: Vec<Root> = others.map(Root::of).collect();
    let is_meant = |facts: &Facts| {
        above.iter().all(|stat| stat.pid != facts.pid)
            && !others.iter().any(|root| root.identity == facts.identity() || root.began(facts.session))
    };
    let here = census.unmarked_in(&service.cwd);
    let running = here.iter().filter(|seen| is_meant(&seen.facts));
    let mut found: Vec<_> = running
        .filter(|seen| command::differences(&seen.running(), &asked).is_empty())
        .map(|seen| &seen.facts)
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    found.sort_by_key(|facts| facts.started_at);
    let held = if port.is_some() { port_who::look(&Query::holders_of(Vec::new()))?.pids() } else { Vec::new() };
    let holds = |pid: u32| tree::members(pid).unwrap_or_default().iter().any(|member| held.contains(&member.pid));
    Ok(found.into_iter().find(|facts| held.is_empty() || !holds(facts.pid)).map(Facts::identity))
}

/// Lists the processes that this one descends from.
pub(crate) fn above() -> Vec<Stat> {
    let this = process::stat(std::process::id()).ok().flatten();
    this.and_then(|this| tree::ancestors(&this).ok()).unwrap_or_default()
}
