//! The servers of this user: those that are recorded, and those that run and whose records are lost.

use super::{census::Census, folder::Folders, life::Life, lost, names::Known, record::ServerRecord};
use crate::Failure;

/// Finds all servers of this user, those that have ended among them, by port. Changes nothing.
///
/// # Errors
/// When the records or the processes cannot be looked at.
pub fn servers(folders: &Folders) -> Result<Vec<Known>, Failure> {
    let records = ServerRecord::all(folders).map_err(Failure::state("read the records in", &folders.runtime))?;
    let census = Census::take().map_err(Failure::system("look at the processes"))?;
    let mut known: Vec<Known> = Vec::new();
    for record in lost::found_again(records, &census, folders) {
        let supervisor = record.running_supervisor().map_err(Failure::system("watch the supervisor"))?;
        let is_alive = supervisor.is_some() || Life::in_census(&record, &census) != Life::Gone;
        let states: Vec<_> = census.marks(&record.service, record.port).map(|mark| &mark.state).collect();
        let is_of_this_place = states.is_empty() || states.contains(&&folders.runtime);
        known.push(Known { record, is_alive, is_of_this_place });
    }
    known.sort_by(|one, other| (one.record.port, &one.record.service).cmp(&(other.record.port, &other.record.service)));
    Ok(known)
}
