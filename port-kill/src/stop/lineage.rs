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

/// Reads the children of a process.
pub(super) fn children(of: &Stat) -> io::Result<Vec<Stat>> {
    let listed = listed(process::children(of.pid, of.threads), of.pid)?;
    if listed.is_empty() {
        return Ok(listed);
    }
    // either PID may have passed to another process meanwhile
    let is_same = process::stat_of(of.identity()).is_ok_and(|now| now.is_some());
    Ok(listed.into_iter().filter(|child| is_same && child.parent == of.pid && child.started >= of.started).collect())
}

/// Reads those that the kernel lists; from all processes where it keeps no list, none where it shows it to nobody.
fn listed(pids: io::Result<Vec<u32>>, of: u32) -> io::Result<Vec<Stat>> {
    match pids {
        Ok(pids) => Ok(pids.into_iter().filter_map(|pid| process::stat(pid).ok().flatten()).collect()),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => tree::members(of),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        process::{Command, Stdio},
    };

    use proc_tree::Handle;

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

    /// A child of the test, ended when dropped.
    struct Child(std::process::Child);

    impl Child {
        fn start() -> Self {
            let mut command = Command::new("sh");
            command.args(["-c", "echo; exec sleep 60"]).stdout(Stdio::piped());
            let mut child = command.spawn().expect("a shell is there");
            // once it says so it has closed what was open here, in another test's thread, when it was forked
            child.stdout.take().expect("a pipe").read_exact(&mut [0]).expect("it runs");
            Self(child)
        }

        fn identity(&self) -> Identity {
            Identity::of(self.0.id()).expect("it can be seen").expect("it was not reaped")
        }
    }

    impl Drop for Child {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn own() -> Stat {
        process::stat(std::process::id()).expect("it can be seen").expect("it runs")
    }

    #[test]
    fn whoever_is_above_a_server_keeps_it_and_a_sibling_does_not() {
        let (server, sibling) = (Child::start(), Child::start());
        assert!(keeps(own().identity(), server.identity()));
        assert!(!keeps(sibling.identity(), server.identity()));
    }

    #[test]
    fn whoever_has_a_server_open_keeps_it_without_being_above_it() {
        let own = own().identity();
        let _open = Handle::open(own).expect("it can be opened").expect("it runs");
        assert!(keeps(own, own), "nobody is above itself");
    }

    #[test]
    fn the_children_are_those_of_that_very_process() {
        let (child, own) = (Child::start(), own());
        let has_it = |of: &Stat| {
            let children = children(of).expect("they can be read");
            assert!(children.iter().all(|one| one.parent == own.pid));
            children.iter().any(|one| one.identity() == child.identity())
        };
        assert!(has_it(&own));
        assert!(!has_it(&Stat { start_id: own.start_id + 1, ..own.clone() }), "another process had its PID");
    }

    #[test]
    fn where_the_kernel_lists_no_children_they_are_looked_for_among_all_and_hidden_ones_are_none() {
        let (child, own) = (Child::start(), std::process::id());
        let pids =
            |listed: io::Result<Vec<Stat>>| listed.map(|stats| stats.iter().map(|stat| stat.pid).collect::<Vec<_>>());
        let of = |kind: io::ErrorKind| pids(listed(Err(kind.into()), own));
        assert_eq!(pids(listed(Ok(vec![child.0.id()]), own)).ok(), Some(vec![child.0.id()]));
        assert!(
            of(io::ErrorKind::Unsupported).is_ok_and(|found| found.contains(&own) && found.contains(&child.0.id()))
        );
        assert!(of(io::ErrorKind::PermissionDenied).is_ok_and(|found| found.is_empty()));
        assert!(of(io::ErrorKind::OutOfMemory).is_err());
    }
}
