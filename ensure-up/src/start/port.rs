//! A server on one port: look what is there, decide, do it.

use crate::{
    Action, Failure, Lock, Outcome, Phase, ServerProcesses, ServerRecord,
    health::Asked,
    server::judge::{self, Whose},
    start::{
        call::{Call, Up},
        decide::{Recorded, Situation, Step, decide},
        existing::{self, whose},
        launch,
    },
};

/// Sees to it that the server is up on this port; `waited` tells whether this call has waited for another one already.
pub(super) fn ensure(call: &Call<'_>, port: u16, waited: bool) -> Result<Up, Failure> {
    if let Some(outcome) = reuse(call, port, waited)? {
        return Ok((outcome, None));
    }
    let lock = lock(call, &port.to_string())?;
    locked(call, port, waited || lock.waited)
}

/// Takes the lock of a port or a range, in the time that the call has.
pub(super) fn lock(call: &Call<'_>, key: &str) -> Result<Lock, Failure> {
    let path = call.folders.file(key, "lock");
    let lock = Lock::take(&path, call.clock.deadline).map_err(Failure::state("lock", &path))?;
    let what = || "another ensure-up is still starting it".into();
    lock.ok_or_else(|| call.too_late(call.service.ports.low, what(), None, Vec::new()))
}

/// Looks without a lock: a record that holds, a listener that is its, an answer that is healthy.
pub(super) fn reuse(call: &Call<'_>, port: u16, waited: bool) -> Result<Option<Outcome>, Failure> {
    let record = ServerRecord::read(call.folders, port).filter(|record| record.phase == Phase::Ready);
    let Some(record) = record.filter(|record| record.running().is_some()) else { return Ok(None) };
    let recorded = recorded(call, &record, true);
    let is_ours = |step: &Step| matches!(step, Step::Wait | Step::WaitForSupervisor);
    // what it comes to does not depend on who holds the port: that costs more to see
    if !is_ours(&next(call, &Whose::Nobody, Some(recorded), None)) {
        return Ok(None);
    }
    let Whose::Ours(holdings) = whose(call, port, Some(&record), None)? else { return Ok(None) };
    if call.ask(port, &holdings)? != Asked::Healthy {
        return Ok(None);
    }
    let action = if waited { Action::Joined } else { Action::Reused };
    Ok(Some(call.recorded(action, &record, &holdings)))
}

/// Looks, decides and does it, with nobody else doing so at the same time.
fn locked(call: &Call<'_>, port: u16, waited: bool) -> Result<Up, Failure> {
    let record = ServerRecord::read(call.folders, port);
    let mut processes = record.as_ref().map(watch).transpose()?;
    let lives = processes
        .as_mut()
        .map_or(Ok(None), ServerProcesses::end)
        .map_err(Failure::system("watch the server"))?
        .is_none();
    let seen = record.as_ref().map(|record| recorded(call, record, lives));
    let mut judged = whose(call, port, record.as_ref(), None)?;
    let mut step = next(call, &judged, seen, None);
    if step == Step::Ask {
        let answers = call.ask(port, judged.holdings())? == Asked::Healthy;
        judged = whose(call, port, record.as_ref(), Some(answers))?;
        step = next(call, &judged, seen, Some(answers));
    }
    match (step, record, processes) {
        (Step::Wait, Some(record), Some(processes)) => existing::wait(call, port, &record, processes, waited),
        (Step::WaitForSupervisor, Some(record), _) => match record.running_supervisor() {
            Some(supervisor) => match call.join_supervisor(&record, supervisor, waited)? {
                Some(up) => Ok(up),
                None => locked(call, port, waited),
            },
            // it ended in this moment
            None => locked(call, port, waited),
        },
        (Step::Supervise, Some(record), Some(processes)) => {
            let (outcome, supervisor) = call.supervise(record.with_identity(processes.identity()), Action::Adopted)?;
            Ok((Outcome { reason: Some("it ran without a supervisor".into()), ..outcome }, supervisor))
        }
        (Step::RefuseBroken, Some(record), _) => Err(call.broken(&record)),
        (Step::StopAndStart(action), record, processes) => {
            let killed = existing::stop(call, port, record, processes.as_ref(), &judged)?;
            let (mut outcome, server) = launch::start(call, port, action)?;
            outcome.notes.extend(killed.lines);
            Ok((outcome, server))
        }
        (Step::Adopt(by), ..) => existing::adopt(call, port, judged.holdings(), &by),
        (Step::RefuseForeign | Step::Ask, ..) => Err(Failure::Foreign { port, holdings: judged.holdings().to_vec() }),
        // what needs a record is never decided without one
        (Step::Start | Step::Wait | Step::WaitForSupervisor | Step::Supervise | Step::RefuseBroken, ..) => {
            launch::start(call, port, Action::Started)
        }
    }
}

fn recorded(call: &Call<'_>, record: &ServerRecord, lives: bool) -> Recorded {
    Recorded {
        phase: record.phase,
        lives,
        is_supervised: record.running_supervisor().is_some(),
        differs: !judge::differences(record, call.service).is_empty(),
    }
}

fn next(call: &Call<'_>, whose: &Whose, recorded: Option<Recorded>, answers: Option<bool>) -> Step {
    decide(&Situation {
        whose,
        recorded,
        existing: call.service.spec.existing,
        keep_up: call.service.kept_up().is_some(),
        may_answer: call.service.is_known_by_answer() && answers.is_none(),
    })
}

fn watch(record: &ServerRecord) -> Result<ServerProcesses, Failure> {
    ServerProcesses::watch(record.identity(), false).map_err(Failure::system("watch the server"))
}
