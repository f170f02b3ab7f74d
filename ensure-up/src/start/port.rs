//! A server on one port, or without one: look what is there, decide, do it.

use crate::{
    Action, Failure, Observer, Outcome, Phase, Port, ServerRecord,
    health::Asked,
    server::{
        evidence::{Evidence, Known},
        judge::{Whose, judge},
        presence::Presence,
        started::Started,
    },
    start::{
        call::{Call, Up},
        decide::{Recorded, Situation, Step, decide},
        existing, held, job, launch,
        there::There,
        turn,
    },
    stop::manner::Manner,
};

/// Why a server that was there is stopped by a call that wants it up.
const HALF_STOPPED: &str = "a stop of it had begun; it was stopped first";

/// Sees to it that the server is up on this port; `waited` tells whether this call has waited for another one already.
pub(super) fn ensure(call: &Call<'_>, port: Option<Port>, waited: bool) -> Result<Up, Failure> {
    if let Some(outcome) = reuse(call, port, waited)? {
        return Ok((outcome, None));
    }
    let lock = turn::take(call, &call.state_folder.lock(&call.service.id, port))?;
    let tell = turn::telling(call, &lock);
    locked(&Call { observer: Observer::new(&tell), ..*call }, port, waited || lock.waited)
}

/// Looks without a lock: a record that holds, a listener that is its, an answer that is healthy.
pub(super) fn reuse(call: &Call<'_>, port: Option<Port>, waited: bool) -> Result<Option<Outcome>, Failure> {
    let Some(record) =
        call.recorded_on(port)?.filter(|record| record.phase == Phase::Ready && !record.is_being_stopped)
    else {
        return Ok(None);
    };
    if record.running().map_err(Failure::system("watch the server"))?.is_none() {
        return Ok(None);
    }
    let supervisor = record.running_supervisor().map_err(Failure::system("watch the supervisor"))?;
    let recorded = recorded(call, &record, Presence::Runs, supervisor.is_some());
    // what it comes to does not depend on who holds the port: that costs more to see
    if !matches!(next(call, &Whose::Nobody, Some(recorded), false, false), Step::Wait | Step::WaitForSupervisor) {
        return Ok(None);
    }
    let evidence = Evidence::gather(port, vec![Known::from(&record)]).map_err(crate::ReadyError::from)?;
    let Whose::Ours(holdings, _) = judge(&evidence, call.service) else { return Ok(None) };
    let Ok(stranger) = call.stranger_in(&evidence, &holdings) else { return Ok(None) };
    if call.ask(port, &holdings, Some(&record))? != Asked::Healthy {
        return Ok(None);
    }
    if turn::is_to_stop(&call.state_folder.lock(&call.service.id, port)) {
        return Ok(None);
    }
    let action = if waited { Action::Joined } else { Action::Reused };
    Ok(Some(call.recorded(action, &record, &holdings, stranger.as_ref())))
}

/// Looks, decides and does it, with nobody else doing so at the same time; again where a supervisor was lost meanwhile.
pub(super) fn locked(call: &Call<'_>, port: Option<Port>, waited: bool) -> Result<Up, Failure> {
    let mut told = Vec::new();
    loop {
        if let Some((mut outcome, server)) = once(call, port, waited, &mut told)? {
            outcome.notes.extend(told);
            return Ok((outcome, server));
        }
    }
}

/// Does it once. `told` takes in what was stopped for it; `None` when a supervisor ended in this moment.
fn once(call: &Call<'_>, port: Option<Port>, waited: bool, told: &mut Vec<String>) -> Result<Option<Up>, Failure> {
    let there = There::look(call, port)?;
    let is_half_stopped = there.own.as_ref().is_some_and(|own| own.presence == Presence::HalfStopped);
    if !is_half_stopped && let Some(outcome) = job::joined(call, there.own.as_ref(), waited)? {
        return Ok(Some((outcome, None)));
    }
    let is_loading = there.loading.is_some();
    let mut evidence = there.evidence(call, port)?;
    let mut judged = judge(&evidence, call.service);
    let seen = match &there.own {
        Some(own) => Some(recorded(call, &own.record, own.on_port(call, &judged)?, own.is_supervised)),
        None => None,
    };
    let mut step = next(call, &judged, seen, is_loading, call.service.is_known_by_answer(port));
    if step == Step::Ask {
        let answers = call.ask(port, judged.holdings(), None)? == Asked::Healthy;
        evidence = Evidence { answers: Some(answers), ..there.evidence(call, port)? };
        judged = judge(&evidence, call.service);
        step = next(call, &judged, seen, is_loading, false);
    }
    let stranger = match step {
        Step::RefuseForeign | Step::RefuseBroken | Step::Ask => None,
        _ => call.stranger_in(&evidence, judged.holdings())?,
    };
    let mut action = Action::Started;
    if matches!(step, Step::Start | Step::WaitForLoading | Step::StopAndStart(_) | Step::Adopt(_))
        && let Some(elsewhere) = &there.elsewhere
    {
        let left = existing::leave(call, elsewhere)?;
        told.extend(left.0.lines);
        action = left.1;
    }
    let own = there.own.as_ref().map(|own| &own.record);
    match (step, own) {
        (Step::Wait, Some(record)) => existing::wait(call, port, record, waited),
        (Step::WaitForSupervisor, Some(record)) => {
            let supervisor = record.running_supervisor().map_err(Failure::system("watch the supervisor"))?;
            let joined = supervisor.map(|supervisor| call.join_supervisor(record, supervisor, waited));
            joined.transpose().map(Option::flatten)
        }
        (Step::Supervise, Some(record)) => {
            let running = record.running().map_err(Failure::system("watch the server"))?;
            let record = running.map_or_else(|| record.clone(), |running| record.with_identity(running));
            // as this call asks for from now on
            let record = Manner::of(call.service).recorded_in(record);
            let socket = existing::socket(call, own, told);
            let up = call.supervise(record, Action::Adopted, socket)?;
            let reason = Some("it ran without a supervisor".into());
            Ok(up.map(|(outcome, supervisor)| (Outcome { reason, ..outcome }, supervisor)))
        }
        (Step::RefuseBroken, Some(record)) => Err(call.broken(record)),
        (Step::StopAndStart(action), _) => {
            held::check_address(call.service, port)?;
            let socket = existing::socket(call, own, told);
            let stopped = existing::stop(call, port, &there, &judged, stranger.as_ref(), socket.is_some());
            let stopped = match stopped {
                Err(Failure::StillHeld { .. }) if !existing::may_be_stopped(&judged, call.service.spec.existing) => {
                    return Err(refused(call, port, judged));
                }
                stopped => stopped?,
            };
            told.extend(stopped.lines);
            told.extend(is_half_stopped.then(|| HALF_STOPPED.to_owned()));
            launch::start_on(call, port, action, socket)
        }
        (Step::Adopt(by), _) => existing::adopt(call, port, judged.holdings(), &by),
        (Step::RefuseChanged, _) => Err(changed(call, port, own, judged)),
        (Step::RefuseForeign | Step::Ask, _) => Err(refused(call, port, judged)),
        (Step::WaitForLoading, _) if let Some(loading) = &there.loading => {
            existing::wait_for_loading(call, port, loading)
        }
        // what needs a record is never decided without one
        (
            Step::Start
            | Step::Wait
            | Step::WaitForLoading
            | Step::WaitForSupervisor
            | Step::Supervise
            | Step::RefuseBroken,
            _,
        ) => launch::start(call, port, action),
    }
}

fn recorded(call: &Call<'_>, record: &ServerRecord, presence: Presence, is_supervised: bool) -> Recorded {
    let differs = !record.started().differences(&Started::of(call.service, record.port)).is_empty();
    Recorded { phase: record.phase, presence, is_supervised, differs }
}

fn next(call: &Call<'_>, whose: &Whose, recorded: Option<Recorded>, is_loading: bool, may_answer: bool) -> Step {
    decide(&Situation {
        whose,
        recorded,
        is_loading,
        existing: call.service.spec.existing,
        keep_up: call.service.kept_up().is_some(),
        may_answer,
    })
}

fn changed(call: &Call<'_>, port: Option<Port>, record: Option<&ServerRecord>, judged: Whose) -> Failure {
    let name = record.map_or_else(|| call.service.name(), |record| record.name.clone());
    let holdings = judged.holdings().to_vec();
    let differs = match (record, judged) {
        (Some(record), _) => record.started().differences(&Started::of(call.service, port)),
        (None, Whose::Ours(_, parts)) => parts,
        (None, _) => Vec::new(),
    };
    Failure::Changed { name, port, differs, holdings }
}

/// Where there is no port, nobody else can hold it.
fn refused(call: &Call<'_>, port: Option<Port>, judged: Whose) -> Failure {
    let Some(port) = port else { return changed(call, port, None, judged) };
    match judged {
        Whose::Another(holdings, other) => {
            Failure::Another { port, service: other.title(), at: other.place(), holdings }
        }
        Whose::Foreign(holdings, differs) => Failure::Foreign { port, holdings, differs },
        other => Failure::Foreign { port, holdings: other.holdings().to_vec(), differs: Vec::new() },
    }
}
