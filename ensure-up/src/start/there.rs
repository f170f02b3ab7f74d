//! What is there of a service, as far as it can be known before anything is done.

use std::io;

use port_who::Query;
use proc_tree::{Identity, Stat, process, tree};

use crate::{
    Failure, ReadyError, ServerRecord,
    server::{
        asker::Asker,
        census::Census,
        command,
        evidence::{Evidence, Known},
        judge::{Whose, judge},
        life::Life,
        lost,
    },
    start::call::Call,
};

/// What is there of a service on a port.
#[derive(Debug)]
pub(super) struct There {
    /// The records of all servers on the port.
    pub(super) records: Vec<ServerRecord>,
    /// The service's own.
    pub(super) own: Option<Own>,
    /// The service's server on another port, if it runs there.
    pub(super) elsewhere: Option<ServerRecord>,
    /// A process that nobody recorded, runs the command, and has opened no port yet.
    pub(super) loading: Option<Identity>,
}

/// The service's own server.
#[derive(Debug)]
pub(super) struct Own {
    /// Its record, found again if it was lost.
    pub(super) record: ServerRecord,
    /// What there is of it.
    pub(super) life: Life,
    /// Whether its supervisor lives.
    pub(super) is_supervised: bool,
}

impl There {
    /// Looks at the records; where they name nobody who runs, once at all processes.
    pub(super) fn look(call: &Call<'_>, port: u16) -> Result<Self, Failure> {
        let failed = || Failure::system("look at the processes");
        let (mut all, supervisor) =
            recorded(call, port).map_err(Failure::state("read the records in", &call.folders.runtime))?;
        let mut loading = None;
        let is_own = |record: &&ServerRecord| is_own(call, port, record);
        let own = match all.iter().find(is_own).cloned() {
            Some(record) if supervisor.is_some() || is_settled(&record).map_err(failed())? => {
                let life = Life::now(&record).map_err(failed())?;
                Some(Own { record, life, is_supervised: supervisor.is_some() })
            }
            _ => {
                let census = Census::take().map_err(failed())?;
                all = lost::found_again(all, &census, call.folders);
                let own = all.iter().find(is_own).map(|own| found(own, &census)).transpose().map_err(failed())?;
                if own.as_ref().is_none_or(|own| own.life == Life::Gone) {
                    loading = find_loading(call, port, &census)?;
                }
                own
            }
        };
        let elsewhere = if own.as_ref().is_some_and(|own| own.life == Life::Runs) {
            None
        } else {
            elsewhere(call, port, &all).map_err(failed())?
        };
        let records = all.into_iter().filter(|record| record.port == port).collect();
        Ok(Self { records, own, elsewhere, loading })
    }

    /// Finds out whose the server on the port is.
    pub(super) fn whose(&self, call: &Call<'_>, port: u16, answers: Option<bool>) -> Result<Whose, Failure> {
        let own = self.own.as_ref().map(|own| &own.record);
        // the service's own first: a process that was handed on is its
        let others = self.records.iter().filter(|record| own.is_none_or(|own| own.service != record.service));
        let known = own.into_iter().chain(others).map(Known::from).collect();
        let evidence = Evidence::gather(port, known).map_err(ReadyError::from)?.compared(call.folders, call.service);
        Ok(judge(&Evidence { answers, ..evidence }, call.service))
    }
}

/// Tells whether a record without a supervisor that lives needs no other look: what it names runs, and it named none.
fn is_settled(record: &ServerRecord) -> io::Result<bool> {
    Ok(record.supervisor.is_none() && record.running()?.is_some())
}

/// Reads what is recorded, and finds the supervisor of the service's own server. One that ended in this moment may have started
/// its server again before: what it wrote last is not missed.
fn recorded(call: &Call<'_>, port: u16) -> io::Result<(Vec<ServerRecord>, Option<Identity>)> {
    let all = ServerRecord::all(call.folders)?;
    let Some(own) = all.iter().find(|record| is_own(call, port, record) && record.supervisor.is_some()) else {
        return Ok((all, None));
    };
    match own.running_supervisor()? {
        None => Ok((ServerRecord::all(call.folders)?, None)),
        supervisor => Ok((all, supervisor)),
    }
}

fn is_own(call: &Call<'_>, port: u16, record: &ServerRecord) -> bool {
    record.is_of(&call.service.id, port)
}

fn found(record: &ServerRecord, census: &Census) -> io::Result<Own> {
    let is_supervised = record.running_supervisor()?.is_some();
    Ok(Own { record: record.clone(), life: Life::in_census(record, census), is_supervised })
}

/// A service that has a name has one server, but where more were asked for.
fn elsewhere(call: &Call<'_>, port: u16, all: &[ServerRecord]) -> io::Result<Option<ServerRecord>> {
    if call.service.id.name.is_none() || call.service.ports.is_range() {
        return Ok(None);
    }
    for record in all.iter().filter(|record| record.service == call.service.id && record.port != port) {
        if record.is_alive()? {
            return Ok(Some(record.clone()));
        }
    }
    Ok(None)
}

/// Finds the process that runs the command and holds the port, or started what does; never one that this call descends from.
pub(super) fn runner(call: &Call<'_>, port: u16) -> Result<Option<Identity>, Failure> {
    let evidence = Evidence::gather(port, Vec::new()).map_err(ReadyError::from)?.compared(call.folders, call.service);
    let above = above();
    Ok(evidence.runner(call.service).filter(|runner| above.iter().all(|stat| stat.pid != runner.pid)))
}

/// Lists the processes that this one descends from.
fn above() -> Vec<Stat> {
    let this = process::stat(std::process::id()).ok().flatten();
    this.and_then(|this| tree::ancestors(&this).ok()).unwrap_or_default()
}

/// Finds a process that runs the command, was not started by an ensure-up, and holds no port so far.
fn find_loading(call: &Call<'_>, port: u16, census: &Census) -> Result<Option<Identity>, Failure> {
    let (user, words) = (Asker::of(call.service), call.service.command(port));
    let asked = user.asks_for(call.service, &words, port);
    let above = above();
    let is_above = |pid: u32| above.iter().any(|stat| stat.pid == pid);
    let here = census.unmarked_in(&call.service.cwd);
    let running = here.iter().filter(|seen| !is_above(seen.facts.pid));
    let mut found: Vec<_> = running
        .filter(|seen| command::differences(&seen.running(), &asked).is_empty())
        .map(|seen| &seen.facts)
        .collect();
    if found.is_empty() {
        return Ok(None);
    }
    let held = port_who::look(&Query::holders_of(Vec::new())).map_err(ReadyError::from)?.pids();
    found.sort_by_key(|facts| facts.started_at);
    let holds = |pid: u32| tree::members(pid).unwrap_or_default().iter().any(|member| held.contains(&member.pid));
    Ok(found.into_iter().find(|facts| !holds(facts.pid)).map(proc_tree::Facts::identity))
}
