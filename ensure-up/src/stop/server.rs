//! Stopping one server for good: its supervisor, which would start it again, then all its processes, then its record.

use std::time::{Duration, Instant};

use proc_tree::{Handle, Identity, Signal, handle};

use crate::{
    Failure, Folders, Record, ServerProcesses, Service,
    stop::whole::{self, Manner},
};

/// How long what is killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that was asked to be stopped.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// What is kept of it.
    pub record: Record,
    /// Its process; `None` when it did not run.
    pub identity: Option<Identity>,
}

/// Stops a recorded server with all its processes, and forgets it.
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
    let mut processes = ServerProcesses::watch(record.identity(), false).map_err(watch())?;
    let lives = processes.end().map_err(watch())?.is_none();
    let identity = if lives { Some(processes.identity()) } else { identity };
    if lives {
        let manner = Manner { signal: record.stop_signal.parse().unwrap_or(Signal::TERM), grace: record.grace() };
        let left = whole::stop(&processes, manner).map_err(Failure::system("stop the server"))?;
        whole::nothing_left(record.port, &left)?;
    }
    Record::remove(folders, record.port).map_err(Failure::state("remove the record in", &folders.runtime))?;
    Ok(Stopped { identity: identity.or(supervisor), record })
}

/// Stops a server that this call started, or its supervisor with it, and forgets it.
///
/// # Errors
/// When it cannot be stopped.
pub fn stop_started(
    service: &Service,
    folders: &Folders,
    port: u16,
    processes: &ServerProcesses,
) -> Result<(), Failure> {
    let is_its = |record: &Record| {
        let supervisor = record.supervisor.into_iter();
        supervisor.chain([record.identity()]).any(|identity| processes.roots().contains(&identity))
    };
    let record = || Record::read(folders, port).filter(is_its);
    let asked = record().as_ref().map_or(Ok(()), stop_supervisor);
    let manner = Manner::of(service);
    let mut stopped = processes.roots().to_vec();
    // a supervisor that had to be killed leaves its server behind
    let server = record().map(|record| record.identity()).filter(|identity| !stopped.contains(identity));
    let server_stopped = whole::stop_trees(server.as_slice(), manner);
    stopped.extend(server);
    whole::stop(processes, manner).and(server_stopped).map_err(Failure::system("stop the server"))?;
    asked?;
    Record::remove_of(folders, port, &stopped).map_err(Failure::state("remove the record in", &folders.runtime))
}

/// A supervisor stops its server itself, and would start it again if that were stopped first.
pub(crate) fn stop_supervisor(record: &Record) -> Result<(), Failure> {
    let failed = || Failure::system("stop the supervisor");
    let Some(supervisor) = record.running_supervisor() else { return Ok(()) };
    let Some(opened) = Handle::open(supervisor).map_err(failed())? else { return Ok(()) };
    opened.signal(Signal::TERM).map_err(failed())?;
    let deadline = Instant::now() + record.grace() + PATIENCE;
    if handle::ended(&[&opened], Some(deadline)).map_err(failed())?.is_empty() {
        opened.signal(Signal::KILL).map_err(failed())?;
        handle::ended(&[&opened], Some(deadline + PATIENCE)).map_err(failed())?;
    }
    Ok(())
}
