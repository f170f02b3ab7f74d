//! What else is of a recorded server: a record names one process, and by now that may be one worker of many.

use nix::unistd::geteuid;
use port_who::Holding;
use proc_tree::{Facts, Identity, Stat, process};

use crate::{
    Failure, ReadyError, ServerRecord,
    server::{evidence::Evidence, port},
};

/// Finds the processes of the recorded server that must be known beside the recorded one: those that hold its port, and
/// those of the session that it was started in. They need not descend from the recorded process.
///
/// # Errors
/// When the port or the processes cannot be looked at.
pub(crate) fn find(record: &ServerRecord) -> Result<Vec<Identity>, Failure> {
    let holdings = port::look(record.port).map_err(ReadyError::from)?.holdings;
    let mut found = of_port(record, holdings);
    found.extend(of_session(record).map_err(Failure::system("look at the processes"))?);
    found.retain(|one| Some(*one) != record.supervisor);
    found.sort_unstable_by_key(|one| (one.start_id, one.pid));
    found.dedup();
    Ok(found)
}

/// The holders that belong to the recorded process, those that listen through its socket, and those of this user that run
/// the recorded command in the recorded folder.
fn of_port(record: &ServerRecord, holdings: Vec<Holding>) -> Vec<Identity> {
    let is_recorded = |process: &Facts| process.identity() == record.identity();
    let has = |holding: &&Holding| holding.process.as_ref().is_some_and(is_recorded);
    let shared: Vec<u64> = holdings.iter().filter(has).map(|holding| holding.socket.inode).collect();
    let user = geteuid().as_raw();
    let is_as_recorded = |process: &Facts| {
        process.cwd.as_ref() == Some(&record.cwd) && process.command.as_ref() == Some(&record.command)
    };
    let Evidence { holders, roots, .. } = Evidence::of(record.port, holdings, &[record.identity()]);
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

/// The members of the session whose parents are not: the others are found below them. One that was started by us has a
/// session of its own; one that was adopted may be in its user's.
fn of_session(record: &ServerRecord) -> std::io::Result<Vec<Identity>> {
    let recorded = process::stat(record.pid)?.filter(|stat| stat.identity() == record.identity());
    let own = process::stat(std::process::id())?.map(|own| own.session);
    let Some(session) = recorded.map(|stat| stat.session).filter(|&session| Some(session) != own) else {
        return Ok(Vec::new());
    };
    if record.log.is_none() {
        return Ok(Vec::new());
    }
    let mut members: Vec<Stat> = Vec::new();
    for pid in process::all()? {
        // one that is hidden is another user's
        let stat = process::stat(pid).ok().flatten();
        members.extend(stat.filter(|member| member.session == session && !member.has_ended()));
    }
    let is_top = |one: &&Stat| !members.iter().any(|other| other.pid == one.parent);
    Ok(members.iter().filter(is_top).map(Stat::identity).collect())
}
