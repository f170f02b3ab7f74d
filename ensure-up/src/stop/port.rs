//! Stopping whatever holds a port, so that another server can take it.

use proc_tree::Identity;

use crate::{
    Failure, Port,
    server::holding::Holding,
    stop::{
        killed::Killed,
        manner::Manner,
        server,
        whole::{self, Wait},
    },
};

/// Stops these processes and all that belongs to them, and makes sure that nobody holds the port then, where there is one,
/// but those that are to stay beside the next server.
///
/// # Errors
/// When something lives on or holds the port.
pub(crate) fn stop(
    port: Option<Port>,
    mut roots: Vec<Identity>,
    beside: &[Holding],
    manner: Manner,
    wait: Wait<'_>,
) -> Result<Killed, Failure> {
    roots.sort_unstable();
    roots.dedup();
    let killed = if roots.is_empty() { Killed::default() } else { whole::stop_and_wait(&roots, manner, wait)? };
    port.map_or(Ok(()), |port| server::freed_but_for(port, beside))?;
    Ok(killed)
}
