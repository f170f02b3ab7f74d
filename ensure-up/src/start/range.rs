//! A range of ports: the server may be on any of them, else it takes the first that nobody holds.

use std::{io, os::unix::ffi::OsStrExt};

use port_who::Query;

use crate::{
    Action, Failure, Lock, Observer, Phase, Port, Ports, ReadyError, ServerRecord, Service,
    health::Asked,
    server::{
        census::Census,
        evidence::Evidence,
        holding::Holding,
        judge::{Whose, judge},
        lost,
        port::{look, query},
        presence::Presence,
        started::Started,
    },
    service::existing::Adopt,
    start::{
        call::{Call, Up},
        launch, port, turn,
    },
    stop::{self, killed::Killed, manner::Manner, whole::Wait},
};

/// Takes the service's server that is in the range, else a port that nobody holds: the one that it had last, or the first.
pub(super) fn ensure(call: &Call<'_>) -> Result<Up, Failure> {
    if call.service.spec.existing.new {
        return start(call, &records(call)?, unheld(call, &look_at_all(call)?));
    }
    for port in instances(call, &records(call)?)? {
        if let Some(outcome) = port::reuse(call, Some(port), false)? {
            return Ok((outcome, None));
        }
    }
    let lock = turn::take(call, &lock_of(call))?;
    let tell = turn::telling(call, &lock);
    let call = &Call { observer: Observer::new(&tell), ..*call };
    let mut records = records(call)?;
    let mut own = instances(call, &records)?;
    if own.is_empty() {
        // a supervisor that ended in this moment may have started its server again before
        records = self::records(call)?;
        let census = Census::take().map_err(Failure::system("look at the processes"))?;
        records = lost::found_again(records, &census, call.state_folder);
        own = instances(call, &records)?;
    }
    if let Some(&port) = own.first() {
        return port::ensure(call, Some(port), lock.waited);
    }
    if let Some(record) = records.iter().find(|record| is_broken(call, record)) {
        return port::ensure(call, record.port, lock.waited);
    }
    let held = look_at_all(call)?;
    for port in ports(call) {
        let holdings: Vec<Holding> = held.iter().filter(|holding| is_on(port)(holding)).cloned().collect();
        let is_adoptable = call.service.spec.existing.adopt != Adopt::Never && !holdings.is_empty();
        if is_adoptable && is_wanted(call, port, holdings)? {
            return port::ensure(call, Some(port), lock.waited);
        }
    }
    start(call, &records, unheld(call, &held))
}

/// Two calls for the same instance wait for one another, and no others.
fn lock_of(call: &Call<'_>) -> std::path::PathBuf {
    let Service { id, spec, environment, ports, .. } = call.service;
    let mut parts = vec![id.folder.as_os_str().as_bytes().to_vec(), text(*ports).into_bytes()];
    if let Some(name) = &id.name {
        parts.push(name.clone().into_bytes());
    } else {
        // without a name the command, and what is set for it, are the service
        let set = environment.iter().flat_map(|(name, value)| [name, value]);
        parts.extend(spec.command.iter().chain(set).map(|word| word.as_bytes().to_vec()));
    }
    call.state_folder.service_lock(parts.iter().map(Vec::as_slice))
}

fn records(call: &Call<'_>) -> Result<Vec<ServerRecord>, Failure> {
    ServerRecord::all(call.state_folder).map_err(Failure::state("read the records in", &call.state_folder.path))
}

fn look_at_all(call: &Call<'_>) -> Result<Vec<Holding>, Failure> {
    let spec = text(call.service.ports).parse().map_err(io::Error::other);
    let spec = spec.map_err(Failure::system("read the range"))?;
    let held = port_who::look(&Query::holders_of(vec![spec])).map_err(ReadyError::from)?.holdings;
    Ok(held.into_iter().map(Holding::from).collect())
}

fn text(ports: Option<Ports>) -> String {
    ports.map_or_else(String::new, |ports| ports.to_string())
}

/// Lists the ports of the range.
fn ports(call: &Call<'_>) -> impl Iterator<Item = Port> {
    call.service.ports.into_iter().flat_map(Ports::all)
}

fn is_on(port: Port) -> impl Fn(&Holding) -> bool {
    move |holding| {
        let socket = holding.socket.as_ref();
        socket.is_some_and(|socket| (socket.local.port(), socket.protocol) == (port.number, port.protocol))
    }
}

fn unheld(call: &Call<'_>, held: &[Holding]) -> Vec<Port> {
    ports(call).filter(|&port| !held.iter().any(is_on(port))).collect()
}

/// Lists the ports of the range on which a server of the service runs; of a bare command's service one that was started as
/// is asked for: with other arguments, or other variables, it is another instance.
fn instances(call: &Call<'_>, records: &[ServerRecord]) -> Result<Vec<Port>, Failure> {
    let mut ports = Vec::new();
    for record in records.iter().filter(|record| is_of_service(call, record)) {
        if record.is_alive().map_err(Failure::system("watch the server"))? {
            ports.extend(record.port);
        }
    }
    Ok(ports)
}

fn is_of_service(call: &Call<'_>, record: &ServerRecord) -> bool {
    let service = call.service;
    let is_as_asked = || record.started().differences(&Started::of(service, record.port)).is_empty();
    service.ports.zip(record.port).is_some_and(|(ports, port)| ports.has(port))
        && record.service == service.id
        && (service.id.name.is_some() || is_as_asked())
}

/// Tells whether the service's server was given up as it is asked for now: on another port it would do no better.
fn is_broken(call: &Call<'_>, record: &ServerRecord) -> bool {
    let asked = Started::of(call.service, record.port);
    record.phase == Phase::Broken && is_of_service(call, record) && record.started().differences(&asked).is_empty()
}

/// Tells whether the server on a port is the one that is asked for, though nothing is recorded of it.
fn is_wanted(call: &Call<'_>, port: Port, holdings: Vec<Holding>) -> Result<bool, Failure> {
    let port = Some(port);
    let evidence = Evidence::of(port, holdings, Vec::new()).compared(call.state_folder, call.service);
    match judge(&evidence, call.service) {
        Whose::Ours(_, differs) => Ok(call.service.id.name.is_some() || differs.is_empty()),
        Whose::Matching(..) => Ok(true),
        Whose::Foreign(holdings, _) if call.service.is_known_by_answer(port) => {
            Ok(call.ask(port, &holdings, None)? == Asked::Healthy)
        }
        _ => Ok(false),
    }
}

/// Starts the server on one of these ports, on that which it had last if that is among them. What an earlier life of it left
/// behind is stopped first.
fn start(call: &Call<'_>, records: &[ServerRecord], mut unheld: Vec<Port>) -> Result<Up, Failure> {
    let mut told = Vec::new();
    let may_have_left = |record: &&ServerRecord| record.phase != Phase::Stopped && is_of_service(call, record);
    for record in records.iter().filter(may_have_left) {
        told.extend(stop_left(call, record)?.lines);
    }
    let was_its = |port: &Port| records.iter().any(|record| record.port == Some(*port) && is_of_service(call, record));
    unheld.sort_by_key(|port| (!was_its(port), *port));
    // where none is free, the server's own error says most
    let up = match start_on(call, &unheld, true)? {
        None => start_on(call, &unheld, false)?,
        up => up,
    };
    let (mut outcome, server) = up.ok_or_else(|| Failure::NoneFree(text(call.service.ports)))?;
    outcome.notes.extend(told);
    Ok((outcome, server))
}

/// Stops what a server left behind that does not run any more, unless somebody is busy with its port.
fn stop_left(call: &Call<'_>, record: &ServerRecord) -> Result<Killed, Failure> {
    let watch = || Failure::system("watch the server");
    let path = call.state_folder.lock(&record.service, record.port);
    let Some(_lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else {
        return Ok(Killed::default());
    };
    let record = call.recorded_on(record.port)?.unwrap_or_else(|| record.clone());
    if record.is_alive().map_err(watch())? || Presence::now(&record).map_err(watch())? != Presence::Leftovers {
        return Ok(Killed::default());
    }
    let manner = Manner::recorded(&record);
    Ok(stop::server::stop_locked(call.state_folder, record, manner, Wait::OnRequest(None))?.killed)
}

/// Starts the server on the first of these ports that is still free.
fn start_on(call: &Call<'_>, ports: &[Port], is_bindable: bool) -> Result<Option<Up>, Failure> {
    for &port in ports {
        // somebody is starting another server there; to try to bind it would take it from that one
        let path = call.state_folder.lock(&call.service.id, Some(port));
        let Some(lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { continue };
        let tell = turn::telling(call, &lock);
        let call = &Call { observer: Observer::new(&tell), ..*call };
        let mut on_port = records(call)?.into_iter().filter(|record| record.port == Some(port));
        let is_taken = on_port.any(|record| record.is_alive().unwrap_or(true));
        if is_taken || !look(port).map_err(ReadyError::from)?.is_empty() {
            continue;
        }
        let failed = |error| Failure::system("try to bind a port")(io::Error::other(error));
        if !is_bindable || !port_who::free(&query(port), 1).map_err(failed)?.ports.is_empty() {
            return match launch::start(call, Some(port), Action::Started)? {
                None => port::locked(call, Some(port), false).map(Some),
                up => Ok(up),
            };
        }
    }
    Ok(None)
}
