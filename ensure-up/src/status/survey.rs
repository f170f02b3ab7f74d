//! Looking at the servers: their records, their processes, their ports, and what they answer.

use futures_util::future::join_all;
use port_who::Holding;

use super::{
    server_status::{ServerStatus, State},
    usage,
};
use crate::{
    Failure, Folders, Lock, ReadyError, ServerProcesses, ServerRecord,
    event::block_on,
    health::{Asked, Prober},
    server::{evidence::Evidence, port as listening},
    service::target,
};

/// Looks at all servers, or at those with these names or ports.
///
/// # Errors
/// When the state folder, the ports or the processes cannot be looked at.
pub fn survey(folders: &Folders, names: &[String]) -> Result<Vec<ServerStatus>, Failure> {
    let ports = ServerRecord::ports(folders).map_err(Failure::state("read", &folders.runtime))?;
    let known = ports.into_iter().map(|port| (port, ServerRecord::read(folders, port)));
    let wanted = known
        .filter(|(port, record)| names.is_empty() || names.iter().any(|name| is_named(name, *port, record.as_ref())));
    let mut servers = Vec::new();
    let mut asked = Vec::new();
    for (port, record) in wanted {
        let (status, holdings) = look(folders, port, record.as_ref())?;
        servers.push(status);
        asked.push(record.filter(|_| !holdings.is_empty()).map(|record| (record, holdings)));
    }
    let answers = block_on(join_all(asked.iter().map(|asked| ask(asked.as_ref())))).map_err(Failure::system("wait"))?;
    for (server, answer) in servers.iter_mut().zip(answers) {
        match answer {
            Some(Asked::Healthy) => server.healthy = true,
            Some(Asked::Not(why) | Asked::Failed(why)) => server.reason = server.reason.take().or(Some(why)),
            None => {}
        }
    }
    usage::measure(&mut servers)?;
    Ok(servers)
}

/// Tells whether a name, or a port in its place, means this server.
pub(crate) fn is_named(name: &str, port: u16, record: Option<&ServerRecord>) -> bool {
    name == port.to_string() || record.is_some_and(|record| record.name == name)
}

/// Looks at one server, and at who of it holds its port; a record of one that does not run is cleared away.
fn look(folders: &Folders, port: u16, record: Option<&ServerRecord>) -> Result<(ServerStatus, Vec<Holding>), Failure> {
    let answer = listening::look(port).map_err(ReadyError::from)?;
    let server = record.map(running).transpose().map_err(Failure::system("watch the server"))?.flatten();
    let is_supervised = record.is_some_and(|record| record.running_supervisor().is_some());
    let phase = record.map(|record| record.phase);
    let mut status = ServerStatus {
        name: record.map_or_else(|| port.to_string(), |record| record.name.clone()),
        port,
        state: State::of(phase, server.is_some(), is_supervised, !answer.holdings.is_empty()),
        identity: server.as_ref().map(ServerProcesses::identity),
        healthy: false,
        restarts: record.map_or(0, |record| record.restarts),
        uptime: None,
        cpu_percent: None,
        memory: None,
        url: None,
        log: record.and_then(|record| record.log.clone()),
        reason: record.and_then(|record| record.reason.clone()),
    };
    let Some((record, server)) = record.zip(server) else {
        if status.state == State::Stopped {
            clear(folders, port)?;
        }
        return Ok((status, Vec::new()));
    };
    let Evidence { holders, roots, .. } = Evidence::of(port, answer.holdings, server.roots());
    let (ours, others): (Vec<_>, Vec<_>) = holders.into_iter().partition(|holder| holder.belongs_to(&roots));
    let ours: Vec<Holding> = ours.into_iter().map(|holder| holder.holding).collect();
    status.url = listening::listener(&ours).map(|listener| target::url(record.health.as_deref(), listener));
    status.reason = match (ours.is_empty(), others.is_empty()) {
        (true, true) => Some("nothing listens on its port".into()),
        (true, false) => Some("another program holds its port".into()),
        (false, _) => None,
    };
    Ok((status, ours))
}

/// Before its first start a supervisor stands for its server.
fn running(record: &ServerRecord) -> std::io::Result<Option<ServerProcesses>> {
    if record.supervisor == Some(record.identity()) {
        return Ok(None);
    }
    let mut processes = ServerProcesses::watch(record.identity(), false)?;
    Ok(processes.end()?.is_none().then_some(processes))
}

/// Whoever holds the lock is about to write a new record.
fn clear(folders: &Folders, port: u16) -> Result<(), Failure> {
    let path = folders.file(&port.to_string(), "lock");
    if Lock::try_take(&path).map_err(Failure::state("lock", &path))?.is_some() {
        ServerRecord::remove(folders, port).map_err(Failure::state("remove the record in", &folders.runtime))?;
    }
    Ok(())
}

async fn ask(asked: Option<&(ServerRecord, Vec<Holding>)>) -> Option<Asked> {
    let (record, holdings) = asked?;
    let target = target::target(record.health.as_deref(), listening::listener(holdings)?).ok()?;
    let answer = Prober::new(&record.probe).ask(&target).await;
    Some(answer.unwrap_or_else(|error| Asked::Not(error.to_string())))
}
