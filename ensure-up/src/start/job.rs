//! A job: a service that is up once it has ended with status 0. Each call runs it again; one that comes while it runs waits
//! for that run.

use crate::{
    Action, Outcome, ServerRecord,
    start::{call::Call, there::Own},
};

/// Takes the run that this call has waited for, if that ended as it should and was what is asked for.
pub(super) fn joined(call: &Call<'_>, own: Option<&Own>, waited: bool) -> Option<Outcome> {
    let record = own.map(|own| &own.record).filter(|record| waited && record.is_done())?;
    Some(done(call, Action::Joined, record)).filter(|outcome| outcome.differs.is_empty())
}

/// Words a run that has ended with status 0. No process is left that would be the job.
pub(super) fn done(call: &Call<'_>, action: Action, record: &ServerRecord) -> Outcome {
    let outcome = call.recorded(action, record, &[]);
    Outcome { name: record.name.clone(), identity: None, reason: record.reason.clone(), ..outcome }
}
