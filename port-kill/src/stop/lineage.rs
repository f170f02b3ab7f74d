//! How processes are related, as the kernel has it now.

use std::io;

use proc_tree::{
    Identity, Stat, handle,
    process::{self, StartTime},
    tree,
};

/// Tells whether a supervisor is an ancestor of its server or, after it took the server over, has it open. Of a server
/// that has ended since it was found nothing can be read any more.
pub(super) fn keeps(supervisor: Identity, server: Identity) -> bool {
    let Some(stat) = process::stat_of(server).ok().flatten() else {
        return true;
    };
    let above = tree::ancestors(&stat).unwrap_or_default();
    above.iter().any(|above| above.identity() == supervisor) || {
        let held = handle::held_by(supervisor.pid);
        held.contains(&server.pid) || above.iter().any(|above| held.contains(&above.pid))
    }
}

/// Tells whether a process leads a process group or a session.
pub(super) fn leads(stat: &Stat) -> bool {
    stat.group == stat.pid || stat.session == stat.pid
}

/// Tells whether one that lost its parent certainly was in the tree: it is in a session or process group that one of the
/// tree leads, and was born after the stop began, or sessions count. What its new parent is in says nothing of it.
pub(super) fn is_stray(stat: &Stat, reaper: &Stat, leader: u32, begun: StartTime, sessions_count: bool) -> bool {
    let of_session = stat.session == leader && stat.session != reaper.session;
    let of_group = stat.group == leader && stat.group != reaper.group;
    let young = stat.started >= begun;
    stat.pid != leader && ((of_session && (sessions_count || young)) || (of_group && young))
}

/// Reads the children of a process; from all processes where the kernel keeps no list of children.
pub(super) fn children(of: &Stat) -> io::Result<Vec<Stat>> {
    let listed: Vec<Stat> = match process::children(of.pid, of.threads) {
        Ok(pids) if pids.is_empty() => return Ok(Vec::new()),
        Ok(pids) => pids.into_iter().filter_map(|pid| process::stat(pid).ok().flatten()).collect(),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => tree::members(of.pid)?,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Vec::new(),
        Err(error) => return Err(error),
    };
    // either PID may have passed to another process meanwhile
    let is_same = process::stat_of(of.identity()).is_ok_and(|now| now.is_some());
    Ok(listed.into_iter().filter(|child| is_same && child.parent == of.pid && child.started >= of.started).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orphan_belongs_by_its_session_or_group_and_never_by_those_of_its_reaper() {
        let plain = process::stat(std::process::id()).expect("it can be seen").expect("it runs");
        let of = |pid, session, group, start| Stat { pid, session, group, started: StartTime(start), ..plain.clone() };
        let reaper = |session, group| of(1, session, group, 0);
        let leader = 50;
        for (orphan, reaper, sessions_count, expected) in [
            // in the leader's session, older and younger than the stop
            (of(60, 50, 60, 9), reaper(1, 1), false, false),
            (of(60, 50, 60, 9), reaper(1, 1), true, true),
            (of(60, 50, 60, 10), reaper(1, 1), false, true),
            // in its group alone
            (of(60, 40, 50, 9), reaper(1, 1), true, false),
            (of(60, 40, 50, 10), reaper(1, 1), false, true),
            // in neither
            (of(60, 40, 40, 99), reaper(1, 1), true, false),
            // the reaper is in it: the orphan is its child, and may have been from the beginning
            (of(60, 50, 50, 99), reaper(50, 50), true, false),
            (of(60, 50, 50, 99), reaper(50, 1), true, true),
            // the leader itself
            (of(50, 50, 50, 99), reaper(1, 1), true, false),
        ] {
            assert_eq!(
                is_stray(&orphan, &reaper, leader, StartTime(10), sessions_count),
                expected,
                "{orphan:?} {reaper:?}"
            );
        }
    }
}
