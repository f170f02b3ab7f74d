//! What is there of a service, as far as it can be known before anything is done.

use std::io;

use proc_tree::Identity;

use crate::{
    Failure, Port, ReadyError, ServerRecord,
    event::block_on,
    health::deserted::Deserted,
    server::{
        census::Census,
        evidence::{Evidence, Known},
        judge::Whose,
        loading::{self, Loading},
        lost,
        presence::Presence,
    },
    start::{
        call::Call,
        waiting::{Doing, Waiting},
    },
};

/// What is there of a service on a port, or of one without.
#[derive(Debug)]
pub(super) struct There {
    /// The records of all servers on the port; of a service without one its own alone.
    pub(super) records: Vec<ServerRecord>,
    /// The service's own.
    pub(super) own: Option<Own>,
    /// The service's server on another port, if it runs there.
    pub(super) elsewhere: Option<ServerRecord>,
    /// A process that nobody recorded, runs the command, and has opened no port yet, if it is to have one.
    pub(super) loading: Option<Loading>,
}

/// The service's own server.
#[derive(Debug)]
pub(super) struct Own {
    /// Its record, found again if it was lost.
    pub(super) record: ServerRecord,
    /// What there is of it.
    pub(super) presence: Presence,
    /// Whether its supervisor lives.
    pub(super) is_supervised: bool,
}

impl There {
    /// Looks at the records; where they name nobody who runs, once at all processes.
    pub(super) fn look(call: &Call<'_>, port: Option<Port>) -> Result<Self, Failure> {
        let failed = || Failure::system("look at the processes");
        let (mut all, supervisor) =
            recorded(call, port).map_err(Failure::state("read the records in", &call.state_folder.path))?;
        let mut loading = None;
        let is_own = |record: &&ServerRecord| is_own(call, port, record);
        let own = match all.iter().find(is_own).cloned() {
            Some(record) if supervisor.is_some() || is_settled(&record).map_err(failed())? => {
                let presence = Presence::now(&record).map_err(failed())?.after_stop(&record);
                Some(Own { record, presence, is_supervised: supervisor.is_some() })
            }
            _ => {
                let census = Census::take().map_err(failed())?;
                all = lost::found_again(all, &census, call.state_folder);
                let own = all.iter().find(is_own).map(|own| found(own, &census)).transpose().map_err(failed())?;
                if !call.service.spec.once && own.as_ref().is_none_or(|own| own.presence == Presence::Gone) {
                    loading = loading::find(call.service, port, call.state_folder, &census, &all)
                        .map_err(ReadyError::from)?;
                }
                own
            }
        };
        let elsewhere = if own.as_ref().is_some_and(|own| own.presence == Presence::Runs) {
            None
        } else {
            elsewhere(call, port, &all).map_err(failed())?
        };
        let is_there = |record: &ServerRecord| record.port == port && (port.is_some() || is_own(&record));
        let records = all.into_iter().filter(is_there).collect();
        Ok(Self { records, own, elsewhere, loading })
    }

    /// Looks by what it can be told whose the server on the port is.
    pub(super) fn evidence(&self, call: &Call<'_>, port: Option<Port>) -> Result<Evidence, Failure> {
        let own = self.own.as_ref().map(|own| &own.record);
        // the service's own first: a process that was handed on is its
        let others = self.records.iter().filter(|record| own.is_none_or(|own| own.service != record.service));
        let known = own.into_iter().chain(others).map(Known::from).collect();
        Ok(Evidence::gather(port, known).map_err(ReadyError::from)?.compared(call.state_folder, call.service))
    }
}

impl Own {
    /// Looks what there is of it once it is known whose the port is: the socket alone is no server.
    pub(super) fn on_port(&self, call: &Call<'_>, whose: &Whose) -> Result<Presence, Failure> {
        let Whose::Ours(holdings, _) = whose else { return Ok(self.presence) };
        if self.presence == Presence::HalfStopped {
            return Ok(self.presence);
        }
        let left = self.record.left_behind(holdings).map_err(Failure::system("look at the processes"))?;
        let Some(deserted) = left.filter(|_| !self.is_supervised) else { return Ok(self.presence) };
        let reason = Some(Deserted::REASON.to_owned());
        call.observer.tell(&Waiting { reason, ..call.waiting(Doing::Awaiting, self.record.port) });
        let is_over = block_on(deserted.is_for_good()).map_err(Failure::system("wait"))?;
        Ok(if is_over { Presence::Deserted } else { self.presence })
    }
}

/// Tells whether a record without a supervisor that lives needs no other look: what it names runs, and it named none.
fn is_settled(record: &ServerRecord) -> io::Result<bool> {
    Ok(record.supervisor.is_none() && record.running()?.is_some())
}

/// Reads what is recorded, and finds the supervisor of the service's own server. One that ended in this moment may have started
/// its server again before: what it wrote last is not missed.
fn recorded(call: &Call<'_>, port: Option<Port>) -> io::Result<(Vec<ServerRecord>, Option<Identity>)> {
    let all = ServerRecord::all(call.state_folder)?;
    let Some(own) = all.iter().find(|record| is_own(call, port, record) && record.supervisor.is_some()) else {
        return Ok((all, None));
    };
    match own.running_supervisor()? {
        None => Ok((ServerRecord::all(call.state_folder)?, None)),
        supervisor => Ok((all, supervisor)),
    }
}

fn is_own(call: &Call<'_>, port: Option<Port>, record: &ServerRecord) -> bool {
    record.is_of(&call.service.id, port)
}

fn found(record: &ServerRecord, census: &Census) -> io::Result<Own> {
    let is_supervised = record.running_supervisor()?.is_some();
    let presence = Presence::in_census(record, census).after_stop(record);
    Ok(Own { record: record.clone(), presence, is_supervised })
}

/// A service that has a name has one server, but where more were asked for.
fn elsewhere(call: &Call<'_>, port: Option<Port>, all: &[ServerRecord]) -> io::Result<Option<ServerRecord>> {
    if call.service.id.name.is_none() || call.service.has_range() {
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
pub(super) fn runner(call: &Call<'_>, port: Option<Port>) -> Result<Option<Identity>, Failure> {
    let evidence =
        Evidence::gather(port, Vec::new()).map_err(ReadyError::from)?.compared(call.state_folder, call.service);
    let above = loading::above();
    Ok(evidence.runner(call.service).filter(|runner| above.iter().all(|stat| stat.pid != runner.pid)))
}
