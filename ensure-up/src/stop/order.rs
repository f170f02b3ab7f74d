//! Which servers are stopped, and in which order: what depends on another one first.

use crate::{Failure, Folders, ServerRecord, status};

/// Lists the records of the servers with these names or ports, all without a name, in the order to stop them: dependents
/// before what they need, else by port.
///
/// # Errors
/// When the state folder cannot be read.
pub fn order(folders: &Folders, names: &[String]) -> Result<Vec<ServerRecord>, Failure> {
    let ports = ServerRecord::ports(folders).map_err(Failure::state("read", &folders.runtime))?;
    let mut left: Vec<ServerRecord> = ports.into_iter().filter_map(|port| ServerRecord::read(folders, port)).collect();
    left.retain(|record| {
        names.is_empty() || names.iter().any(|name| status::is_named(name, record.port, Some(record)))
    });
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_needed = |record: &ServerRecord| left.iter().any(|other| other.depends_on.contains(&record.name));
        // in a circle, which the services file refuses, any is as good
        let next = left.iter().position(|record| !is_needed(record)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}
