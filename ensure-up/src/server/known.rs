//! The servers of this user: those that are recorded, and those that run and whose records are lost.

use super::{census::Census, folder::Folders, life::Life, lost, names::Known, record::ServerRecord};
use crate::{Failure, Port};

/// Finds all servers of this user, those that have ended among them, by port; on these ports also one that is known by its
/// log alone. Changes nothing.
///
/// # Errors
/// When the records or the processes cannot be looked at.
pub fn servers(folders: &Folders, ports: &[Port]) -> Result<Vec<Known>, Failure> {
    let records = ServerRecord::all(folders).map_err(Failure::state("read the records in", &folders.runtime))?;
    let census = Census::take().map_err(Failure::system("look at the processes"))?;
    let mut known: Vec<Known> = Vec::new();
    let mut records = lost::found_again(records, &census, folders);
    for &port in ports {
        let mut on_port = records.iter().filter(|record| record.port == Some(port));
        let runs = on_port.any(|record| Life::in_census(record, &census) != Life::Gone);
        records.extend(if runs { None } else { lost::by_log(port, &census, folders) });
    }
    for record in records {
        let supervisor = record.running_supervisor().map_err(Failure::system("watch the supervisor"))?;
        let is_alive = supervisor.is_some() || Life::in_census(&record, &census) != Life::Gone;
        let states: Vec<_> = census.marks(&record.service, record.port).map(|mark| &mark.state).collect();
        let is_of_this_place = states.is_empty() || states.contains(&&folders.runtime);
        known.push(Known { record, is_alive, is_of_this_place });
    }
    known.sort_by(|one, other| (one.record.port, &one.record.service).cmp(&(other.record.port, &other.record.service)));
    Ok(known)
}
