//! Servers that run and are those of a services file from now on: each is recorded as started for its service, so that the
//! next call finds it, and as asked where the file says all that was set for it.

use super::found::Found;
use crate::{
    Failure, Lock, ServerRecord, Service, StateFolder,
    server::{acceptors, started::Started},
};

/// Records a server as that of a service.
///
/// # Errors
/// When the port cannot be looked at or the record not be written.
pub fn take(state_folder: &StateFolder, service: &Service, found: &Found) -> Result<(), Failure> {
    let path = state_folder.lock(&service.id, found.port);
    let _lock = Lock::try_take(&path).map_err(Failure::state("lock", &path))?;
    let old = found.record.as_ref();
    let is_same = |old: &ServerRecord| {
        old.is_of(&service.id, found.port) && old.started().differences(&Started::of(service, found.port)).is_empty()
    };
    if old.is_some_and(is_same) {
        return Ok(());
    }
    let log = old.and_then(|old| old.log.as_deref());
    let (starting, holdings) =
        (ServerRecord::starting(service, found.port, Some(found.identity), log), found.holdings()?);
    let record = starting.ready(&holdings, acceptors::of(&holdings));
    let record = match old {
        // what was set stays so, whatever the file says of it
        Some(old) => ServerRecord {
            supervisor: old.supervisor,
            restarts: old.restarts,
            environment: old.environment.clone(),
            ..record
        },
        None => record,
    };
    let failed = || Failure::state("write a record in", &state_folder.path);
    record.write(state_folder).map_err(failed())?;
    match old.filter(|old| !old.is_of(&service.id, found.port)) {
        Some(old) => old.remove(state_folder).map_err(failed()),
        None => Ok(()),
    }
}
