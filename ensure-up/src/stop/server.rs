//! Stopping one server for good: its supervisor, which would start it again, then all its processes, then its record.

use std::time::{Duration, Instant};

use proc_tree::Identity;

use crate::{
    Doing, Failure, Lock, Phase, Port, ReadyError, ServerProcesses, ServerRecord, Service, StateFolder, Waiting,
    server::{
        census::Census,
        holding::Holding,
        known::{self, Held},
        lost, port as listening,
    },
    stop::{
        beside,
        killed::Killed,
        manner::{Asked, Manner},
        supervisor,
        whole::{self, Wait},
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

/// How long a stop waits for a start of the same server to come to its end.
const START_PATIENCE: Duration = Duration::from_secs(2);

/// How often what such a start has started is stopped as well.
const ROUNDS: u32 = 3;

/// Stops a recorded server with all its processes, makes sure that its port is free, and notes that.
///
/// Nobody starts it meanwhile. A start that goes on for long is not waited for: what it starts is stopped.
///
/// # Errors
/// When something of it lives on, which is remembered then, or its port is held all the same.
pub fn stop(
    state_folder: &StateFolder,
    record: ServerRecord,
    asked: Asked,
    mut wait: Wait<'_>,
) -> Result<Stopped, Failure> {
    let path = state_folder.lock(&record.service, record.port);
    let until = Some(Instant::now() + START_PATIENCE);
    let lock = Lock::take(&path, until).map_err(Failure::state("lock", &path))?;
    if let Some(lock) = &lock {
        // whoever wants it up waits for that
        lock.say(Some(&Waiting::of(Doing::Stopping, format!("{}{}", record.name, record.on_port()))));
    }
    let (mut record, mut more) = (record, 0..ROUNDS);
    loop {
        let reread = record.reread(state_folder).map_err(Failure::state("read the record in", &state_folder.path))?;
        // whoever held the lock may have started another one
        record =
            reread.filter(|now| now.phase != Phase::Stopped || now.identity() == record.identity()).unwrap_or(record);
        let manner = Manner::recorded(&record).but(asked);
        let stopped = stop_locked(state_folder, record, manner, wait.once())?;
        match (stopped.record.port, stopped.identity) {
            (None, _) => return Ok(stopped),
            (Some(port), Some(_)) => return freed(port).map(|()| stopped),
            (Some(port), None) => match known::holders(state_folder, port)? {
                None => return Ok(stopped),
                // what a start that was not waited for has started since it was looked for
                Some((holdings, Some(started))) if started.is_of(&stopped.record.service, Some(port)) => {
                    more.next().ok_or_else(|| held(port, &holdings[0]))?;
                    record = stopped.record;
                }
                Some(found) => return Err(of_another(port, found)),
            },
        }
    }
}

/// Stops a recorded server for a caller that holds the lock of the port, and looks itself who holds that then.
///
/// # Errors
/// When something of it lives on, which is remembered then.
pub(crate) fn stop_locked(
    state_folder: &StateFolder,
    record: ServerRecord,
    manner: Manner,
    wait: Wait<'_>,
) -> Result<Stopped, Failure> {
    let watch = || Failure::system("watch the server");
    let mut record = lost::with_supervisor(record, &Census::take().map_err(watch())?);
    if record.is_alive().map_err(watch())? {
        record = record.being_stopped(state_folder);
    }
    let stopped = stop_marked(state_folder, &record, manner, wait);
    if stopped.as_ref().is_err_and(|failure| !matches!(failure, Failure::Interrupted(_)))
        && let Ok(Some(left)) = record.reread(state_folder)
    {
        left.not_stopped(state_folder);
    }
    stopped
}

/// Stops a server whose record says that it is being stopped.
fn stop_marked(
    state_folder: &StateFolder,
    record: &ServerRecord,
    manner: Manner,
    wait: Wait<'_>,
) -> Result<Stopped, Failure> {
    let watch = || Failure::system("watch the server");
    let recorded = record.running().map_err(watch())?.filter(|&identity| Some(identity) != record.supervisor);
    let supervisor = record.running_supervisor().map_err(watch())?;
    let mut killed = supervisor::stop(state_folder, record, manner)?;
    // one that had to be killed may have started its server again before
    let reread = record.reread(state_folder).map_err(Failure::state("read the record in", &state_folder.path))?;
    let mut record = reread.map_or_else(|| record.clone(), |reread| Manner::recorded(record).recorded_in(reread));
    let mut left = Census::take().map_err(watch())?.members(&record);
    left.extend(beside::find(&record)?.into_iter().filter(|one| !left.contains(one)).collect::<Vec<_>>());
    let identity = recorded.or_else(|| left.first().copied());
    if !left.is_empty() {
        // its supervisor may have written the record since
        record = record.being_stopped(state_folder);
        killed = killed.and(whole::stop_and_wait(&left, manner, wait)?);
    }
    record.stopped(state_folder).map_err(Failure::state("write a record in", &state_folder.path))?;
    Ok(Stopped { record, identity: identity.or(supervisor), killed })
}

/// Makes sure that nobody listens on a port whose server was stopped.
///
/// # Errors
/// With who holds it.
pub(crate) fn freed(port: Port) -> Result<(), Failure> {
    freed_but_for(port, &[])
}

/// Makes sure that nobody else than these listens on a port whose server was stopped.
///
/// # Errors
/// With who holds it.
pub(crate) fn freed_but_for(port: Port, beside: &[Holding]) -> Result<(), Failure> {
    let holdings = listening::look(port).map_err(ReadyError::from)?;
    let other = holdings.iter().find(|holding| !holding.is_of(beside));
    other.map_or(Ok(()), |holding| Err(held(port, holding)))
}

fn held(port: Port, by: &Holding) -> Failure {
    Failure::StillHeld { port, by: by.title() }
}

/// Makes sure that nobody listens on a port on which none was stopped.
///
/// # Errors
/// With whose server holds it.
pub fn free(state_folder: &StateFolder, port: Port) -> Result<(), Failure> {
    known::holders(state_folder, port)?.map_or(Ok(()), |found| Err(of_another(port, found)))
}

fn of_another(port: Port, (holdings, started): Held) -> Failure {
    match started {
        Some(other) => Failure::Another { port, service: other.title(), at: other.place(), holdings },
        None => Failure::Foreign { port, holdings, differs: Vec::new() },
    }
}

/// Stops a server that this call started, or its supervisor with it, and notes that.
///
/// # Errors
/// When something of it lives on, which is remembered then.
pub fn stop_started(
    state_folder: &StateFolder,
    service: &Service,
    port: Option<Port>,
    processes: &ServerProcesses,
    manner: Manner,
) -> Result<Killed, Failure> {
    // whoever has stopped it already writes the next record, maybe in this moment
    let is_its = |record: &ServerRecord| {
        let mut known = record.supervisor.into_iter().chain(record.roots());
        record.phase != Phase::Stopped && known.any(|identity| processes.roots().contains(&identity))
    };
    // one that cannot be read keeps nothing up
    let record = || ServerRecord::read(state_folder, &service.id, port).ok().flatten().filter(is_its);
    let marked = record().map(|record| record.being_stopped(state_folder));
    let asked =
        marked.as_ref().map_or_else(|| Ok(Killed::default()), |record| supervisor::stop(state_folder, record, manner));
    // a supervisor that could not stop its server, or had to be killed, leaves it behind; what cannot be looked at is not
    // looked for
    let found = |record: &ServerRecord| {
        let mut found = Census::take().map(|census| census.members(record)).unwrap_or_default();
        found.extend(beside::find(record).unwrap_or_default());
        found
    };
    let more = record().map(|record| found(&record));
    // once more after the look: whoever starts it anew meanwhile has recorded that before his server could be seen
    let left = record();
    let more = more.filter(|_| left.is_some()).unwrap_or_default();
    let left = left.map(|record| record.being_stopped(state_folder));
    let stopped = match whole::stop(processes, &more, manner) {
        Ok(stopped) => stopped,
        Err(failure) => {
            if let Some(left) = left {
                left.not_stopped(state_folder);
            }
            return Err(failure);
        }
    };
    let killed = asked?.and(stopped);
    if let Some(record) = record() {
        record.stopped(state_folder).map_err(Failure::state("write a record in", &state_folder.path))?;
    }
    Ok(killed)
}
