//! The server that is up though what this call started has ended: somebody else started the same meanwhile, or it left a
//! daemon behind.

use proc_tree::Facts;

use crate::{
    Action, Failure, Outcome, Port, ServerRecord,
    health::Asked,
    server::{
        acceptors,
        holding::Holding,
        judge::{Whose, judge},
    },
    service::existing::Adopt,
    start::{
        call::{Call, Up},
        there::There,
    },
};

/// Takes the server that is up and healthy on the port.
pub(super) fn take(call: &Call<'_>, port: Option<Port>) -> Result<Option<Up>, Failure> {
    let there = There::look(call, port)?;
    let (holdings, reason) = match judge(&there.evidence(call, port)?, call.service) {
        Whose::Ours(holdings, differs) if differs.is_empty() => (holdings, None),
        Whose::Matching(holdings, by) if call.service.spec.existing.adopt != Adopt::Never => {
            (holdings, Some(by.to_string()))
        }
        _ => return Ok(None),
    };
    let holder = Holding::processes(&holdings).next().map(Facts::identity);
    if call.ask(port, &holdings, None)? != Asked::Healthy {
        return Ok(None);
    }
    let record = ServerRecord::starting(call.service, port, holder, None).ready(&holdings, acceptors::of(&holdings));
    call.note(&record)?;
    let stranger = call.stranger(port, &[], &holdings)?;
    let outcome = call.recorded(Action::Joined, &record, &holdings, stranger.as_ref());
    Ok(Some((Outcome { reason, ..outcome }, None)))
}
