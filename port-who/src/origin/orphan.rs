//! Whether a process lost its parent, and nobody else owns it.

use proc_tree::{Facts, Stat, process};

use super::{
    owner::owner,
    program::{Program, Role},
};

/// Tells whether a process is an orphan; `None` where its parent cannot be seen.
///
/// What a service manager or a container runtime keeps is no orphan.
pub(crate) fn is_orphan(process: &Facts) -> Option<bool> {
    if process.ppid == 0 {
        return Some(false); // the first process, or its parent is outside this PID namespace
    }
    let parent = process::stat(process.ppid).ok().flatten()?;
    Some(is_adopted(process, &parent) && owner(process).is_none())
}

/// Tells whether the parent took the process over: it is the first process or a sub-reaper, one that is known as such, or
/// that never shared the process's session. A worker of a server that is itself the first process, as in containers, is no
/// orphan.
fn is_adopted(process: &Facts, parent: &Stat) -> bool {
    // the kernel cuts the parent's name, and the process's is whole
    let worker = process.name.starts_with(&parent.name) && process.session == parent.session;
    let reaper = Program::recognise(&parent.name, &[]).is_some_and(|program| program.role == Role::Reaper);
    // a child is born into its parent's session and leaves it only as the leader of its own
    let strayed = process.session != 0 && process.session != process.pid && process.session != parent.session;
    reaper || strayed || (parent.pid == 1 && !worker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    fn parent(pid: u32, name: &str, session: u32) -> Stat {
        let own = process::stat(std::process::id()).ok().flatten().expect("this process can be seen");
        Stat { pid, name: name.into(), session, ..own }
    }

    #[test]
    fn who_strayed_to_a_reaper_is_adopted_and_a_worker_is_not() {
        let child = |session| Facts { session, ..example::process(50, 1, "server") };
        for (session, parent, expected) in [
            (40, parent(1, "init", 1), true),
            (40, parent(1, "entrypoint", 40), true),
            (40, parent(1, "server", 40), false),
            (40, parent(30, "systemd", 40), true),
            (40, parent(30, "node", 40), false),
            (40, parent(30, "node", 30), true),
            (50, parent(30, "node", 30), false),
            (0, parent(30, "node", 30), false),
        ] {
            assert_eq!(is_adopted(&child(session), &parent), expected, "session {session}, {parent:?}");
        }
    }
}
