//! Stopping one server for good: its supervisor, which would start it again, then all its processes, then its record.

use proc_tree::Identity;

use crate::{
    Failure, Folders, ReadyError, ServerProcesses, ServerRecord,
    server::port,
    stop::{
        beside, supervisor,
        whole::{self, Killed, Manner},
    },
};

/// A server that was asked to be stopped.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// What is kept of it.
    pub record: ServerRecord,
    /// Its process; `None` when it did not run.
    pub identity: Option<Identity>,
    /// Who had to be killed.
    pub killed: Killed,
}

/// Stops a recorded server with all its processes, makes sure that its port is free, and forgets it.
///
/// # Errors
/// When something of it lives on, which is remembered then, or its port is held all the same.
pub fn stop(folders: &Folders, record: ServerRecord) -> Result<Stopped, Failure> {
    let watch = || Failure::system("watch the server");
    let recorded = record.running().filter(|&identity| Some(identity) != record.supervisor);
    let supervisor = record.running_supervisor();
    let mut killed = supervisor::stop(&record)?;
    // one that had to be killed may have started its server again before
    let record = ServerRecord::read(folders, record.port).unwrap_or(record);
    let mut processes = ServerProcesses::watch(record.identity(), false).map_err(watch())?;
    let lives = processes.end().map_err(watch())?.is_none();
    let beside = beside::find(&record)?;
    let identity = if lives { Some(processes.identity()) } else { recorded.or_else(|| beside.first().copied()) };
    if lives || !beside.is_empty() {
        let manner =
            Manner { signal: record.stop_signal.as_deref().and_then(|name| name.parse().ok()), grace: record.grace() };
        killed = killed.and(whole::stop(&processes, &beside, manner)?);
    }
    ServerRecord::remove(folders, record.port).map_err(Failure::state("remove the record in", &folders.runtime))?;
    let identity = identity.or(supervisor);
    free(record.port, identity.is_some())?;
    Ok(Stopped { record, identity, killed })
}

/// Makes sure that nobody listens on a port: one whose server was stopped is still held, any other is another's.
///
/// # Errors
/// With who holds it.
pub fn free(port: u16, was_stopped: bool) -> Result<(), Failure> {
    let holdings = port::look(port).map_err(ReadyError::from)?.holdings;
    match holdings.first() {
        None => Ok(()),
        Some(holding) if was_stopped => {
            Err(Failure::NotStopped { port, what: format!("{} holds it now", holder(holding)) })
        }
        Some(_) => Err(Failure::Foreign { port, holdings }),
    }
}

/// Names who has a socket open.
pub(crate) fn holder(holding: &port_who::Holding) -> String {
    holding
        .process
        .as_ref()
        .map_or_else(|| "a process that is not visible".into(), |process| format!("{} ({})", process.name, process.pid))
}

/// Stops a server that this call started, or its supervisor with it, and forgets it.
///
/// # Errors
/// When something of it lives on, which is remembered then.
pub fn stop_started(
    folders: &Folders,
    port: u16,
    processes: &ServerProcesses,
    manner: Manner,
) -> Result<Killed, Failure> {
    let is_its = |record: &ServerRecord| {
        let supervisor = record.supervisor.into_iter();
        supervisor.chain([record.identity()]).any(|identity| processes.roots().contains(&identity))
    };
    let record = || ServerRecord::read(folders, port).filter(is_its);
    let asked = record().as_ref().map_or_else(|| Ok(Killed::default()), supervisor::stop);
    // a supervisor that could not stop its server, or had to be killed, leaves it behind
    let left = record();
    let server = left.as_ref().map(ServerRecord::identity);
    let mut more: Vec<Identity> = server.into_iter().collect();
    // what cannot be looked at is not looked for
    more.extend(left.as_ref().and_then(|record| beside::find(record).ok()).unwrap_or_default());
    let stopped = whole::stop(processes, &more, manner)?;
    let killed = asked?.and(stopped);
    let ours: Vec<Identity> = processes.roots().iter().copied().chain(server).collect();
    ServerRecord::remove_of(folders, port, &ours).map_err(Failure::state("remove the record in", &folders.runtime))?;
    Ok(killed)
}
