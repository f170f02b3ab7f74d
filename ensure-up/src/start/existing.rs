//! A server that is there already: whose it is, the wait for it, taking it over, stopping it for another one.

use port_who::Holding;
use proc_tree::Facts;

use crate::{
    Action, Failure, Outcome, Phase, ReadyError, ServerProcesses, ServerRecord,
    event::block_on,
    log::patterns::LogPatterns,
    server::{
        evidence::Evidence,
        judge::{By, Whose, judge},
    },
    service::spec::Adopt,
    start::{
        call::{Call, Up},
        launch,
        race::RaceEnd,
    },
    stop::{
        self,
        whole::{Killed, Manner},
    },
};

/// Finds out whose the server on a port is.
pub(super) fn whose(
    call: &Call<'_>,
    port: u16,
    record: Option<&ServerRecord>,
    answers: Option<bool>,
) -> Result<Whose, Failure> {
    let root = record.map(ServerRecord::identity);
    let evidence = Evidence::gather(port, root.as_slice()).map_err(ReadyError::from)?;
    Ok(judge(&Evidence { answers, ..evidence }, call.service))
}

/// Waits until the recorded server is ready.
pub(super) fn wait(
    call: &Call<'_>,
    port: u16,
    record: &ServerRecord,
    mut processes: ServerProcesses,
    waited: bool,
) -> Result<Up, Failure> {
    // one that was ready once need not say so again, and what it said since is not about its start
    let log = record.log.as_deref().filter(|_| record.phase == Phase::Starting);
    let log = log.map(|log| LogPatterns::of(log, 0, call.service));
    let race = call.race(port).of(Some(&mut processes)).reading(log);
    match block_on(race.run()).map_err(Failure::system("wait"))?? {
        RaceEnd::Ready(holdings) => {
            let action = if waited || record.phase != Phase::Ready { Action::Joined } else { Action::Reused };
            let ready = ServerRecord { phase: Phase::Ready, ..record.with_identity(processes.identity()) };
            if ready != *record {
                call.write(&ready)?;
            }
            Ok((call.recorded(action, &ready, &holdings), None))
        }
        // its starter is gone, and so is it now: there is none, so this call starts one
        RaceEnd::Ended { .. } => launch::start(call, port, Action::Started),
        end => Err(call.not_ready(port, end, record.log.clone())),
    }
}

/// A server without a record is taken as ours once it is healthy.
pub(super) fn adopt(call: &Call<'_>, port: u16, holdings: &[Holding], by: &By) -> Result<Up, Failure> {
    // the eldest: workers that share its socket come and go
    let holders = holdings.iter().filter_map(|holding| holding.process.as_ref());
    let eldest = holders.min_by_key(|process| (process.started_at, process.pid));
    let mut processes = eldest
        .map(|process| ServerProcesses::watch(process.identity(), false))
        .transpose()
        .map_err(Failure::system("watch the server"))?;
    let race = call.race(port).of(processes.as_mut()).taking_any(call.service.spec.existing.adopt == Adopt::Any);
    match block_on(race.run()).map_err(Failure::system("wait"))?? {
        RaceEnd::Ready(holdings) => {
            let (outcome, supervisor) = adopted(call, port, processes.as_ref(), &holdings)?;
            Ok((Outcome { reason: Some(by.to_string()), ..outcome }, supervisor))
        }
        RaceEnd::Ended { .. } => launch::start(call, port, Action::Started),
        end => Err(call.not_ready(port, end, None)),
    }
}

fn adopted(
    call: &Call<'_>,
    port: u16,
    processes: Option<&ServerProcesses>,
    holdings: &[Holding],
) -> Result<Up, Failure> {
    let record = processes.map(|known| ServerRecord::starting(call.service, port, Some(known.identity()), None));
    if let Some(record) = record {
        if call.service.kept_up().is_some() {
            return call.supervise(record, Action::Adopted);
        }
        call.write(&ServerRecord { phase: Phase::Ready, ..record })?;
    }
    let holder = holdings.iter().find_map(|holding| holding.process.as_ref());
    let name = call.service.spec.name.clone().or_else(|| Some(holder?.name.clone()));
    let name = name.unwrap_or_else(|| call.service.name());
    Ok((call.outcome(Action::Adopted, name, port, holder.map(Facts::identity), holdings), None))
}

/// Stops the server that another one shall take the place of. A supervisor goes first, and stops its server itself; what
/// holds the port then and is not that server's is no concern of this call.
pub(super) fn stop(
    call: &Call<'_>,
    port: u16,
    record: Option<ServerRecord>,
    processes: Option<&ServerProcesses>,
    judged: &Whose,
) -> Result<Killed, Failure> {
    let manner = Manner::of(call.service);
    let Some(record) = record.filter(|record| record.running_supervisor().is_some()) else {
        // where not all of it is found, what is known of it goes
        let known = |processes: &ServerProcesses| processes.whole().unwrap_or_else(|_| processes.roots().to_vec());
        let roots = processes.map(known).unwrap_or_default();
        return stop::port::stop(call.folders, port, judged.holdings(), roots, manner);
    };
    let killed = stop::supervisor::stop(&record)?;
    let record = ServerRecord::read(call.folders, port).unwrap_or(record);
    match whose(call, port, Some(&record), None)? {
        Whose::Ours(holdings) => {
            let rest = stop::port::stop(call.folders, port, &holdings, vec![record.identity()], manner)?;
            Ok(killed.and(rest))
        }
        _ => Ok(killed),
    }
}
