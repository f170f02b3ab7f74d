//! A job: a service that is up once it has ended with status 0. Each call runs it again; one that comes while it runs waits
//! for that run.

use std::{fs, time::SystemTime};

use crate::{
    Action, Failure, Outcome, Phase, ServerRecord,
    start::{call::Call, there::Own},
};

/// Takes the run that this call has waited for, if that was what is asked for: it ended as it should, or else has failed for
/// all that waited.
///
/// # Errors
/// When it has failed.
pub(super) fn joined(call: &Call<'_>, own: Option<&Own>, waited: bool) -> Result<Option<Outcome>, Failure> {
    let is_waited_for = |record: &&ServerRecord| waited && call.service.spec.once && is_new(call, record);
    let Some(record) = own.map(|own| &own.record).filter(is_waited_for) else { return Ok(None) };
    let outcome = Some(done(call, Action::Joined, record)).filter(|outcome| outcome.differs.is_empty());
    match (outcome, record.phase, record.end) {
        (Some(outcome), ..) if record.is_done() => Ok(Some(outcome)),
        (Some(Outcome { name, .. }), Phase::Failed, Some(end)) => {
            let log = record.log.clone().unwrap_or_else(|| call.service.log_path(&call.state_folder.path, record.port));
            Err(Failure::Ended { name, end, after: None, missing: None, log })
        }
        _ => Ok(None),
    }
}

/// Tells whether what is recorded was written since this call began: whoever held the lock may have done something else.
fn is_new(call: &Call<'_>, record: &ServerRecord) -> bool {
    let path = call.state_folder.of_service(&record.service, record.port, "json");
    let began = SystemTime::now().checked_sub(call.clock.took());
    let written = fs::metadata(path).and_then(|found| found.modified());
    began.is_none_or(|began| written.is_ok_and(|written| written >= began))
}

/// Words a run that has ended with status 0. No process is left that would be the job.
pub(super) fn done(call: &Call<'_>, action: Action, record: &ServerRecord) -> Outcome {
    let outcome = call.recorded(action, record, &[], None);
    Outcome { name: record.name.clone(), identity: None, reason: record.reason.clone(), ..outcome }
}
