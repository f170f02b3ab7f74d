//! Stopping whatever holds a port, so that another server can take it.

use port_who::Holding;
use proc_tree::Identity;

use crate::{
    Failure, Folders, ServerRecord,
    stop::{
        server,
        whole::{self, Killed, Manner},
    },
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
) -> Result<Killed, Failure> {
    let holders = holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.identity()));
    roots.extend(holders);
    roots.sort_unstable_by_key(|identity| (identity.start_id, identity.pid));
    roots.dedup();
    let killed = whole::stop_trees(&roots, manner)?;
    server::free(port, true)?;
    ServerRecord::remove(folders, port).map_err(Failure::state("remove the record in", &folders.runtime))?;
    Ok(killed)
}
