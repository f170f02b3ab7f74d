//! The servers of this user: those that are recorded, and those that run and whose records are lost.

use std::{collections::BTreeMap, path::Path};

use super::{
    census::Census,
    evidence::{self, Evidence},
    folder::StateFolder,
    holding::Holding,
    lost,
    names::Known,
    port as listening,
    presence::Presence,
    record::ServerRecord,
    started::Started,
};
use crate::{Failure, Port, Ports, ReadyError, ServiceSpec};

/// Returns the ports of a file's services, by their names: of one that takes any of a range the one that its server has or had
/// last, else the first.
///
/// # Errors
/// When the records cannot be read.
pub fn ports(
    state_folder: &StateFolder,
    folder: &Path,
    services: &[ServiceSpec],
) -> Result<BTreeMap<String, u16>, Failure> {
    let has_range = services.iter().any(|service| service.port.is_some_and(Ports::is_range));
    let records = if has_range { ServerRecord::all(state_folder) } else { Ok(Vec::new()) };
    let mut records = records.map_err(Failure::state("read the records in", &state_folder.path))?;
    records.retain(|record| record.service.folder == folder);
    // one that runs is the last to be kept
    records.sort_by_cached_key(|record| record.is_alive().unwrap_or(true));
    let mut ports = BTreeMap::new();
    for service in services {
        let Some(asked) = service.port else { continue };
        let is_its = |record: &&ServerRecord| {
            record.service.name == service.name && record.port.is_some_and(|port| asked.has(port))
        };
        let recorded = records.iter().rfind(is_its).and_then(|record| record.port);
        ports.insert(service.name(), recorded.unwrap_or(asked.first()).number);
    }
    Ok(ports)
}

/// Finds all servers of this user, those that have ended among them, by port; on these ports also one that is known by its
/// log alone. Changes nothing.
///
/// # Errors
/// When the records or the processes cannot be looked at.
pub fn servers(state_folder: &StateFolder, ports: &[Port]) -> Result<Vec<Known>, Failure> {
    let known = look(state_folder, ports)?;
    for &port in ports {
        let is_known = known.iter().any(|one| one.is_alive && one.record.port == Some(port));
        // one may have come up while all processes were looked at
        if !is_known
            && let Some((_, Some(started))) = holders(state_folder, port)?
            && started.port == Some(port)
        {
            return look(state_folder, ports);
        }
    }
    Ok(known)
}

/// Who holds a port, and as what they were started by us.
pub(crate) type Held = (Vec<Holding>, Option<Started>);

/// Finds who holds a port; `None` where nobody does.
///
/// # Errors
/// When the port or the records cannot be looked at.
pub(crate) fn holders(state_folder: &StateFolder, port: Port) -> Result<Option<Held>, Failure> {
    let holdings = listening::look(port).map_err(ReadyError::from)?;
    if holdings.is_empty() {
        return Ok(None);
    }
    let records = ServerRecord::all(state_folder).map_err(Failure::state("read the records in", &state_folder.path))?;
    let known = records.iter().filter(|record| record.port == Some(port)).map(evidence::Known::from).collect();
    let started = Evidence::of(Some(port), holdings.clone(), known).started_there().cloned();
    Ok(Some((holdings, started)))
}

fn look(state_folder: &StateFolder, ports: &[Port]) -> Result<Vec<Known>, Failure> {
    let records = ServerRecord::all(state_folder).map_err(Failure::state("read the records in", &state_folder.path))?;
    let census = Census::take().map_err(Failure::system("look at the processes"))?;
    let mut known: Vec<Known> = Vec::new();
    let mut records = lost::found_again(records, &census, state_folder);
    for &port in ports {
        let mut on_port = records.iter().filter(|record| record.port == Some(port));
        let runs = on_port.any(|record| Presence::in_census(record, &census) != Presence::Gone);
        records.extend(if runs { None } else { lost::by_log(port, &census, state_folder) });
    }
    for record in records {
        let supervisor = record.running_supervisor().map_err(Failure::system("watch the supervisor"))?;
        let presence = Presence::in_census(&record, &census);
        let is_alive = supervisor.is_some() || presence != Presence::Gone;
        let left = if presence == Presence::Leftovers { census.members(&record) } else { Vec::new() };
        let states: Vec<_> = census.marks(&record.service, record.port).map(|mark| &mark.state).collect();
        let is_of_this_place = states.is_empty() || states.contains(&&state_folder.path);
        known.push(Known { record, is_alive, left, is_of_this_place });
    }
    known.sort_by(|one, other| (one.record.port, &one.record.service).cmp(&(other.record.port, &other.record.service)));
    Ok(known)
}
