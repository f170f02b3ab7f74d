//! What else is of a recorded server: a record names one process, and by now that may be one worker of many.

use nix::unistd::geteuid;
use proc_tree::{Facts, Identity};

use crate::{
    Failure, ReadyError, ServerRecord,
    server::{
        evidence::{Evidence, Known},
        holding::Holding,
        port as listening,
        session::Root,
    },
};

/// Finds the processes that hold the recorded server's port and are its: they need not descend from a recorded process. What
/// is of one without a port is known by its record and its mark alone.
///
/// # Errors
/// When the port or the processes cannot be looked at.
pub(crate) fn find(record: &ServerRecord) -> Result<Vec<Identity>, Failure> {
    let Some(port) = record.port else { return Ok(Vec::new()) };
    let holdings = listening::look(port).map_err(ReadyError::from)?;
    let mut found = of_port(record, holdings);
    found.retain(|one| Some(*one) != record.supervisor);
    Ok(proc_tree::ascending(found))
}

/// The holders that belong to the recorded process, those that listen through its socket, and those of this user that run
/// the recorded command in the recorded folder.
fn of_port(record: &ServerRecord, holdings: Vec<Holding>) -> Vec<Identity> {
    let roots = record.roots();
    let is_recorded = |process: &Facts| roots.contains(&process.identity());
    let inode = |holding: &Holding| holding.socket.as_ref().map(|socket| socket.inode);
    let has = |holding: &&Holding| holding.process.as_ref().is_some_and(is_recorded);
    let shared: Vec<u64> = holdings.iter().filter(has).filter_map(inode).collect();
    let user = geteuid().as_raw();
    let is_as_recorded = |process: &Facts| {
        process.cwd.as_ref() == Some(&record.cwd) && process.command.as_ref() == Some(&record.command)
    };
    let Evidence { holders, known, .. } = Evidence::of(record.port, holdings, vec![Known::from(record)]);
    let roots: Vec<Root> = known.into_iter().flat_map(|known| known.roots).collect();
    let mut found = Vec::new();
    for holder in holders {
        let Some(process) = &holder.holding.process else { continue };
        let is_alike = inode(&holder.holding).is_some_and(|inode| shared.contains(&inode)) || is_as_recorded(process);
        if holder.belongs_to(&roots) || (process.uid == Some(user) && is_alike) {
            found.push(process.identity());
        }
    }
    found
}
