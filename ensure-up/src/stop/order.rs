//! Stopping servers on purpose: what depends on another one first, a supervisor before its server.

use proc_tree::Signal;
use proc_tree::{Handle, Identity, handle};

use crate::{Failure, Folders, Life, Record, Service, status, stop::tree};

/// A server that was asked to be stopped.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// What is kept of it.
    pub record: Record,
    /// Its process; `None` when it did not run.
    pub identity: Option<Identity>,
}

/// Lists the records of the servers with these names or ports, all without a name, in the order to stop them: dependents
/// before what they need, else by port.
///
/// # Errors
/// When the state folder cannot be read.
pub fn order(folders: &Folders, names: &[String]) -> Result<Vec<Record>, Failure> {
    let ports = Record::ports(folders).map_err(Failure::state("read", &folders.runtime))?;
    let mut left: Vec<Record> = ports.into_iter().filter_map(|port| Record::read(folders, port)).collect();
    left.retain(|record| {
        names.is_empty() || names.iter().any(|name| status::is_named(name, record.port, Some(record)))
    });
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_needed = |record: &Record| left.iter().any(|other| other.depends_on.contains(&record.name));
        // in a circle, which the services file refuses, any is as good
        let next = left.iter().position(|record| !is_needed(record)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

/// Stops a server with all its processes, and forgets it.
///
/// # Errors
/// When something of it lives on.
pub fn stop(folders: &Folders, record: Record) -> Result<Stopped, Failure> {
    let watch = || Failure::system("watch the server");
    let identity = record.running().filter(|&identity| Some(identity) != record.supervisor);
    let supervisor = record.running_supervisor();
    stop_supervisor(&record)?;
    // one that had to be killed may have started its server again before
    let record = Record::read(folders, record.port).unwrap_or(record);
    let mut life = Life::watch(record.identity(), false).map_err(watch())?;
    let identity = match life.ended().map_err(watch())? {
        None => Some(life.identity()),
        Some(_) => identity,
    };
    if life.ended().map_err(watch())?.is_none() {
        let signal = record.stop_signal.parse().unwrap_or(Signal::TERM);
        let whole = life.whole().map_err(watch())?;
        let left = tree::stop(&whole, signal, record.grace()).map_err(Failure::system("stop the server"))?;
        if let Some(one) = left.first() {
            return Err(Failure::NotStopped { port: record.port, what: format!("{} ({})", one.name, one.identity) });
        }
    }
    Record::remove(folders, record.port).map_err(Failure::state("remove the record in", &folders.runtime))?;
    Ok(Stopped { identity: identity.or(supervisor), record })
}

/// A supervisor stops its server itself, and would start it again if that were stopped first.
pub(crate) fn stop_supervisor(record: &Record) -> Result<(), Failure> {
    let failed = || Failure::system("stop the supervisor");
    let Some(supervisor) = record.running_supervisor() else { return Ok(()) };
    let Some(opened) = Handle::open(supervisor).map_err(failed())? else { return Ok(()) };
    opened.signal(Signal::TERM).map_err(failed())?;
    let deadline = std::time::Instant::now() + record.grace() + tree::PATIENCE;
    if handle::ended(&[&opened], Some(deadline)).map_err(failed())?.is_empty() {
        opened.signal(Signal::KILL).map_err(failed())?;
        handle::ended(&[&opened], Some(deadline + tree::PATIENCE)).map_err(failed())?;
    }
    Ok(())
}

/// Stops a server that this call started, and forgets it.
///
/// # Errors
/// When it lives on.
pub fn stop_started(service: &Service, folders: &Folders, port: u16, life: &Life) -> Result<(), Failure> {
    if let Some(record) = Record::read(folders, port) {
        stop_supervisor(&record)?;
    }
    let whole = life.whole().map_err(Failure::system("watch the server"))?;
    tree::stop(&whole, service.spec.stop_signal, service.spec.grace).map_err(Failure::system("stop the server"))?;
    Record::remove_of(folders, port, &whole).map_err(Failure::state("remove the record in", &folders.runtime))
}
