//! A server that is there already: whose it is, the wait for it, taking it over, stopping it for another one.

use std::time::Instant;

use port_kill::Awaited;
use proc_tree::{Facts, Identity};

use crate::{
    Action, Failure, Outcome, Phase, Port, ServerProcesses, ServerRecord,
    event::block_on,
    log::patterns::LogPatterns,
    server::{
        acceptors,
        holding::Holding,
        judge::{By, Whose},
        loading::Loading,
        lost,
        part::Part,
        record,
        stranger::Stranger,
    },
    service::existing::{Adopt, Existing},
    start::{
        call::{Call, Up},
        launch,
        race::RaceEnd,
        there::{self, There},
        waiting::{Doing, Waiting},
    },
    stop::{
        self,
        killed::Killed,
        manner::{Asked, Manner},
        whole::Wait,
    },
    supervisor::passing::{self, InFlight},
};

/// Waits until the recorded server is ready.
pub(super) fn wait(
    call: &Call<'_>,
    port: Option<Port>,
    record: &ServerRecord,
    waited: bool,
) -> Result<Option<Up>, Failure> {
    let mut processes = ServerProcesses::of(record).map_err(Failure::system("watch the server"))?;
    // one that was ready once need not say so again, and what it said since is not about its start
    let log = record.log.as_deref().filter(|_| record.phase == Phase::Starting);
    let log = log.map(|log| LogPatterns::of(log, call.service));
    let waiting = Waiting { log: record.log.clone(), ..call.waiting(Doing::Awaiting, port) };
    let race =
        call.race(port).of(Some(&mut processes)).recorded(Some(record)).reading(log).told(waiting, call.observer);
    match block_on(race.run()).map_err(Failure::system("wait"))?? {
        RaceEnd::Ready(holdings) => {
            let action = if waited || record.phase != Phase::Ready { Action::Joined } else { Action::Reused };
            let ready = record.with_identity(processes.identity()).ready(&holdings, acceptors::of(&holdings));
            // one that was found again is in no file yet
            if call.recorded_on(port)?.as_ref() != Some(&ready) {
                call.note(&ready)?;
            }
            let stranger = call.stranger(port, processes.roots(), &holdings)?;
            Ok(Some((call.recorded(action, &ready, &holdings, stranger.as_ref()), None)))
        }
        // its starter is gone, and so is it now: there is none, so this call starts one
        RaceEnd::Ended { .. } => launch::start(call, port, Action::Started),
        end => Err(call.not_ready(port, end, record.log.clone())),
    }
}

/// Waits for a process that runs the command and that nobody recorded, and takes it as ours once it is ready.
pub(super) fn wait_for_loading(call: &Call<'_>, port: Option<Port>, loading: &Loading) -> Result<Option<Up>, Failure> {
    take(call, port, Some(loading.identity), &[], &loading.by)
}

/// A server without a record is taken as ours once it is healthy.
pub(super) fn adopt(call: &Call<'_>, port: Option<Port>, holdings: &[Holding], by: &By) -> Result<Option<Up>, Failure> {
    // what runs it starts it again, or lives on: it is the server's too
    let runner = if *by == By::Command { there::runner(call, port)? } else { None };
    take(call, port, runner.or_else(|| Holding::eldest(holdings)), holdings, by)
}

/// Takes what is there as the server once it is healthy; `matching` are all that were found to be it.
fn take(
    call: &Call<'_>,
    port: Option<Port>,
    process: Option<Identity>,
    matching: &[Holding],
    by: &By,
) -> Result<Option<Up>, Failure> {
    let processes = process.map(|process| ServerProcesses::watch(process, false)).transpose();
    let mut processes = processes.map_err(Failure::system("watch the server"))?;
    let race = call.race(port).of(processes.as_mut()).taking_any(call.service.spec.existing.adopt == Adopt::Any);
    let race = race.told(call.waiting(Doing::Awaiting, port), call.observer);
    match block_on(race.run()).map_err(Failure::system("wait"))?? {
        RaceEnd::Ready(mut holdings) => {
            let others = matching.iter().filter(|one| !one.is_of(&holdings) && runs(one)).cloned();
            holdings.extend(others.collect::<Vec<_>>());
            let up = adopted(call, port, processes.as_ref(), &holdings, by)?;
            Ok(up.map(|(outcome, supervisor)| (Outcome { reason: Some(by.to_string()), ..outcome }, supervisor)))
        }
        RaceEnd::Ended { .. } => launch::start(call, port, Action::Started),
        end => Err(call.not_ready(port, end, None)),
    }
}

fn runs(holding: &Holding) -> bool {
    let process = holding.process.as_ref().map(Facts::identity);
    process.is_none_or(|process| process.is_running().unwrap_or(true))
}

fn adopted(
    call: &Call<'_>,
    port: Option<Port>,
    processes: Option<&ServerProcesses>,
    holdings: &[Holding],
    by: &By,
) -> Result<Option<Up>, Failure> {
    let holder = Holding::processes(holdings).next();
    // one that runs another command goes by its own name
    let own = holder.filter(|_| call.service.spec.name.is_none() && !matches!(by, By::Command | By::Service));
    let name = own.map_or_else(|| call.service.name(), |holder| holder.name.clone());
    let record = processes.map(|known| ServerRecord::starting(call.service, port, Some(known.identity()), None));
    if let Some(record) = record {
        let record = ServerRecord { name: name.clone(), ..record.ready(holdings, acceptors::of(holdings)) };
        if call.service.kept_up().is_some() {
            return call.supervise(record, Action::Adopted, None);
        }
        call.note(&record)?;
    }
    let stranger = call.stranger(port, processes.map(ServerProcesses::roots).unwrap_or_default(), holdings)?;
    let identity = holder.map(Facts::identity);
    Ok(Some((call.outcome(Action::Adopted, name, port, identity, holdings, stranger.as_ref()), None)))
}

/// Has the socket sent that is held for the service's server, if the next one is to have it too; says so where it cannot be
/// had.
pub(super) fn socket(call: &Call<'_>, own: Option<&ServerRecord>, told: &mut Vec<String>) -> Option<InFlight> {
    let own = own.filter(|_| call.service.spec.supervision.hold_socket.is_some())?;
    passing::send_for(own).unwrap_or_else(|why| {
        told.push(passing::lost(&why));
        None
    })
}

/// Tells whether what holds the port may be stopped, whatever is done about a server of ours that is supervised.
pub(super) fn may_be_stopped(whose: &Whose, existing: Existing) -> bool {
    match whose {
        Whose::Nobody | Whose::Ours(..) => true,
        Whose::Matching(..) => existing.adopt != Adopt::Never || existing.replace,
        Whose::Foreign(..) | Whose::Another(..) => existing.replace,
    }
}

/// Stops what another server shall take the place of: the service's own, or another service's, as each is recorded, else
/// whatever holds the port, if that may be stopped.
///
/// The port is to be free then, but for a socket that is on its way to the next server, and those of a stranger.
pub(super) fn stop(
    call: &Call<'_>,
    port: Option<Port>,
    there: &There,
    judged: &Whose,
    stranger: Option<&Stranger>,
    is_kept: bool,
) -> Result<Killed, Failure> {
    let may_be_stopped = may_be_stopped(judged, call.service.spec.existing);
    let another = match judged {
        // it may have been started for another port, and have opened this one besides
        Whose::Another(_, other) if may_be_stopped => lost::find(call.state_folder, &other.service, other.port)
            .map_err(Failure::state("read the records in", &call.state_folder.path))?,
        _ => None,
    };
    let own = there.own.as_ref().map(|own| &own.record);
    let mut killed = Killed::default();
    if let Some(own) = own {
        let manner = Manner::of(call.service);
        let stop = |wait: Wait<'_>| stop::server::stop_locked(call.state_folder, own.clone(), manner, wait);
        killed = stopping(call, &own.name, port, stop)?.killed;
    }
    if let Some(another) = another {
        let name = another.name.clone();
        let stop = |wait: Wait<'_>| {
            if another.port != port {
                return stop::server::stop(call.state_folder, another, Asked::default(), wait);
            }
            let manner = Manner::recorded(&another);
            stop::server::stop_locked(call.state_folder, another, manner, wait)
        };
        killed = killed.and(stopping(call, &name, port, stop)?.killed);
    }
    // those of a server that was stopped just now are gone
    let mut roots: Vec<Identity> = there.loading.iter().map(|loading| loading.identity).collect();
    let holders = judged.holdings().iter().filter(|_| may_be_stopped);
    roots.extend(holders.filter_map(|holding| holding.process.as_ref()).map(Facts::identity));
    if own.is_some() && matches!(judged, Whose::Nobody | Whose::Ours(..)) {
        roots.clear();
    }
    if roots.is_empty() && is_kept {
        return Ok(killed);
    }
    let is_there = !roots.is_empty();
    let beside = stranger.map(Stranger::holdings).unwrap_or_default();
    let stop = |wait: Wait<'_>| stop::port::stop(port, roots, beside, Manner::of(call.service), wait);
    let stopped = if is_there { stopping(call, "what is there", port, stop) } else { stop(Wait::OnRequest(None)) };
    Ok(killed.and(stopped?))
}

/// Stops something before a start; the caller is told what is waited for.
fn stopping<T>(call: &Call<'_>, server: &str, port: Option<Port>, stop: impl FnOnce(Wait<'_>) -> T) -> T {
    let mut waiting = Waiting::of(Doing::Stopping, format!("{server}{}", record::on_port(port)));
    call.observer.tell(&waiting);
    stop(Wait::OnRequest(Some(&mut |awaited: &Awaited<'_>| {
        waiting.reason = Some(awaited.words(Instant::now()));
        call.observer.tell(&waiting);
    })))
}

/// Deals with the service's server on another port than the one that is asked for: it is stopped, or stands in the way.
/// What starts then is no first start.
pub(super) fn leave(call: &Call<'_>, elsewhere: &ServerRecord) -> Result<(Killed, Action), Failure> {
    let Existing { restart, restart_if_changed, replace, .. } = call.service.spec.existing;
    if restart || restart_if_changed || replace {
        let stop = |wait: Wait<'_>| stop::server::stop(call.state_folder, elsewhere.clone(), Asked::default(), wait);
        let killed = stopping(call, &elsewhere.name, elsewhere.port, stop)?.killed;
        return Ok((killed, if restart || restart_if_changed { Action::Restarted } else { Action::Replaced }));
    }
    let (name, port) = (elsewhere.name.clone(), elsewhere.port);
    Err(Failure::Changed { name, port, differs: vec![Part::Port], holdings: Vec::new() })
}
