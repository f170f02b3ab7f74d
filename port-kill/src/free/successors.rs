//! Who holds a port after its holder was stopped, and belongs to that one.

use std::{collections::HashSet, io};

use port_who::Answer;
use proc_tree::{Identity, Stat, process, tree};

use super::{candidate::Candidate, findings::Findings, scope::Scope};
use crate::stop::StopRun;

/// Returns the new holders that belong to those that were stopped: they were forked meanwhile.
pub(super) fn find(
    answer: &Answer,
    scope: &Scope,
    findings: &Findings,
    stop: &StopRun<'_>,
) -> io::Result<Vec<Candidate>> {
    let stopped: HashSet<Identity> = findings.sockets.keys().copied().collect();
    let inodes = findings.inodes();
    let mut successors = Candidate::all(answer, scope);
    successors.retain(|one| !stop.knows(one.identity()) && !findings.spared.contains_key(&one.identity()));
    let mut kin = Vec::new();
    for candidate in successors {
        let inherited = candidate.sockets.iter().any(|socket| socket.inode != 0 && inodes.contains(&socket.inode));
        let Some(stat) = process::stat(candidate.process.pid)? else { continue };
        if inherited || belongs(&stat, &stopped, &findings.kin)? {
            kin.push(candidate);
        }
    }
    Ok(kin)
}

/// Tells whether a process that holds a port now, and did not before, belongs to those that were stopped: a worker that
/// its master forked meanwhile. Anything else was started by somebody who wants the port held.
///
/// `kin` are the sessions and process groups of those that were stopped.
fn belongs(holder: &Stat, stopped: &HashSet<Identity>, kin: &HashSet<(u32, u32)>) -> io::Result<bool> {
    let line = tree::ancestors(holder)?;
    if line.iter().any(|ancestor| stopped.contains(&ancestor.identity())) {
        return Ok(true);
    }
    // a child is born into its parent's session: where the two differ, the parent that it was born to has ended
    let orphan = holder.session != holder.pid && line.first().is_none_or(|parent| parent.session != holder.session);
    Ok(orphan && kin.contains(&(holder.session, holder.group)))
}
