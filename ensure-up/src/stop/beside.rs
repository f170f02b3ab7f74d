//! What else is of a recorded server: a record names one process, and by now that may be one worker of many.

use nix::unistd::geteuid;
use port_who::Holding;
use proc_tree::{Facts, Identity};

use crate::{
    Failure, ReadyError, ServerRecord,
    server::{
        evidence::{Evidence, Known},
        port,
        session::Root,
    },
};

/// Finds the processes that hold the recorded server's port and are its: they need not descend from a recorded process.
///
/// # Errors
/// When the port or the processes cannot be looked at.
pub(crate) fn find(record: &ServerRecord) -> Result<Vec<Identity>, Failure> {
    let holdings = port::look(record.port).map_err(ReadyError::from)?.holdings;
    let mut found = of_port(record, holdings);
    found.retain(|one| Some(*one) != record.supervisor);
    Ok(proc_tree::ascending(found))
}

/// The holders that belong to the recorded process, those that listen through its socket, and those of this user that run
/// the recorded command in the recorded folder.
fn of_port(record: &ServerRecord, holdings: Vec<Holding>) -> Vec<Identity> {
    let roots = record.roots();
    let is_recorded = |process: &Facts| roots.contains(&process.identity());
    let has = |holding: &&Holding| holding.process.as_ref().is_some_and(is_recorded);
    let shared: Vec<u64> = holdings.iter().filter(has).map(|holding| holding.socket.inode).collect();
    let user = geteuid().as_raw();
    let is_as_recorded = |process: &Facts| {
        process.cwd.as_ref() == Some(&record.cwd) && process.command.as_ref() == Some(&record.command)
    };
    let Evidence { holders, known, .. } = Evidence::of(record.port, holdings, vec![Known::from(record)]);
    let roots: Vec<Root> = known.into_iter().flat_map(|known| known.roots).collect();
    let mut found = Vec::new();
    for holder in holders {
        let Some(process) = &holder.holding.process else { continue };
        let is_alike = shared.contains(&holder.holding.socket.inode) || is_as_recorded(process);
        if holder.belongs_to(&roots) || (process.uid == Some(user) && is_alike) {
            found.push(process.identity());
        }
    }
    found
}
