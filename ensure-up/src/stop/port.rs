//! Stopping whatever holds a port, so that another server can take it.

use port_who::Holding;
use proc_tree::Identity;

use crate::{
    Failure, Folders, ReadyError, Record,
    server::port,
    stop::whole::{self, Manner},
};

/// Stops the holders of a port, these processes, and all that belongs to them; makes sure that nobody holds the port then,
/// and forgets the server that was there.
///
/// # Errors
/// When something lives on or holds the port.
pub(crate) fn stop(
    folders: &Folders,
    port: u16,
    holdings: &[Holding],
    mut roots: Vec<Identity>,
    manner: Manner,
) -> Result<(), Failure> {
    let holders = holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.identity()));
    roots.extend(holders);
    roots.sort_unstable_by_key(|identity| (identity.start_id, identity.pid));
    roots.dedup();
    let left = whole::stop_trees(&roots, manner).map_err(Failure::system("stop the server"))?;
    whole::nothing_left(port, &left)?;
    if let Some(holding) = port::look(port).map_err(ReadyError::from)?.holdings.first() {
        let holder = holding.process.as_ref().map_or_else(
            || "a process that is not visible".into(),
            |process| format!("{} ({})", process.name, process.pid),
        );
        return Err(Failure::NotStopped { port, what: format!("{holder} holds it now") });
    }
    Record::remove(folders, port).map_err(Failure::state("remove the record in", &folders.runtime))
}
