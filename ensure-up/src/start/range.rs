//! A range of ports: the server may be on any of them, else it takes the first that nobody holds.

use std::io;

use port_who::{Holding, Query};

use crate::{
    Action, Failure, Lock, ReadyError, ServerRecord,
    health::Asked,
    server::{
        evidence::Evidence,
        judge::{Whose, judge},
        port::query,
        record::words,
    },
    service::spec::Adopt,
    start::{
        call::{Call, Up},
        existing, launch, port,
    },
};

/// Takes a server of ours that is in the range, else the first port that nobody holds.
pub(super) fn ensure(call: &Call<'_>) -> Result<Up, Failure> {
    let ports = call.service.ports;
    for port in recorded_ports(call)? {
        if let Some(outcome) = port::reuse(call, port, false)? {
            return Ok((outcome, None));
        }
    }
    let lock = port::lock(call, &ports.to_string())?;
    if let Some(&port) = recorded_ports(call)?.first() {
        return port::ensure(call, port, lock.waited);
    }
    let spec = ports.to_string().parse().map_err(io::Error::other).map_err(Failure::system("read the range"))?;
    let answer = port_who::look(&Query::holders_of(vec![spec])).map_err(ReadyError::from)?;
    let mut unheld = Vec::new();
    for port in ports.low..=ports.high {
        let here = |holding: &&Holding| holding.socket.local.port() == port;
        let holdings: Vec<Holding> = answer.holdings.iter().filter(here).cloned().collect();
        if holdings.is_empty() {
            unheld.push(port);
        } else if call.service.spec.existing.adopt != Adopt::Never && is_wanted(call, port, holdings)? {
            return port::ensure(call, port, lock.waited);
        }
    }
    // where none is free, the server's own error says most
    match start_on(call, &unheld, true)? {
        Some(up) => Ok(up),
        None => start_on(call, &unheld, false)?.ok_or_else(|| Failure::NoneFree(ports.to_string())),
    }
}

/// Tells whether the server on a port is the one that is asked for, though nothing is recorded of it.
fn is_wanted(call: &Call<'_>, port: u16, holdings: Vec<Holding>) -> Result<bool, Failure> {
    match judge(&Evidence::of(port, holdings, &[]), call.service) {
        Whose::Foreign(holdings) if call.service.is_known_by_answer() => {
            Ok(call.ask(port, &holdings)? == Asked::Healthy)
        }
        whose => Ok(matches!(whose, Whose::Matching(..))),
    }
}

/// Starts the server on the first of these ports that is still free.
fn start_on(call: &Call<'_>, ports: &[u16], is_bindable: bool) -> Result<Option<Up>, Failure> {
    for &port in ports {
        // somebody is starting another server there; to try to bind it would take it from that one
        let path = call.folders.file(&port.to_string(), "lock");
        let Some(_lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { continue };
        let is_taken = ServerRecord::read(call.folders, port).is_some_and(|record| is_alive(&record));
        if is_taken || existing::whose(call, port, None, None)? != Whose::Nobody {
            continue;
        }
        let failed = |error| Failure::system("try to bind a port")(io::Error::other(error));
        if !is_bindable || !port_who::free(&query(port), 1).map_err(failed)?.ports.is_empty() {
            return launch::start(call, port, Action::Started).map(Some);
        }
    }
    Ok(None)
}

/// Lists the ports of the range whose recorded server runs and is the one that is asked for.
fn recorded_ports(call: &Call<'_>) -> Result<Vec<u16>, Failure> {
    let Call { service, folders, .. } = call;
    let all = ServerRecord::ports(folders).map_err(Failure::state("read", &folders.runtime))?;
    let is_same = |record: &ServerRecord, port| match &service.spec.name {
        Some(name) => record.name == *name,
        None => record.command == words(service, port) && record.cwd == service.cwd,
    };
    let wanted = |&port: &u16| {
        (service.ports.low..=service.ports.high).contains(&port)
            && ServerRecord::read(folders, port).is_some_and(|record| is_same(&record, port) && is_alive(&record))
    };
    Ok(all.into_iter().filter(wanted).collect())
}

/// A server that its supervisor is about to start again has its port, too.
fn is_alive(record: &ServerRecord) -> bool {
    record.running().is_some() || record.running_supervisor().is_some()
}
