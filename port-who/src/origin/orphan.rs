//! Whether a process lost its parent, and nobody else owns it.

use proc_tree::{Facts, Stat, process};

use super::{
    owner::owner,
    program::{Program, Role},
    service::Service,
};

/// Tells whether a process is an orphan; `None` where its parent cannot be seen, or where it cannot be told whether that is the
/// one that started it.
///
/// What a service manager, a container runtime or `ensure-up` looks after is no orphan.
pub(crate) fn is_orphan(process: &Facts) -> Option<bool> {
    if process.ppid == 0 {
        return Some(false); // the first process, or its parent is outside this PID namespace
    }
    let parent = process::stat(process.ppid).ok().flatten()?;
    let is_adopted = is_adopted(Bond::between(process, &parent));
    let is_kept = || owner(process).is_some() || Service::of([process]).is_some();
    if is_adopted == Some(false) || is_kept() { Some(false) } else { is_adopted }
}

/// What tells whether a parent started a process or took it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bond {
    /// What the parent is known for.
    role: Option<Role>,
    /// Whether the parent is the first process.
    is_first: bool,
    /// Whether the process is the parent's eldest child.
    is_eldest: bool,
    session: Session,
    /// Whether the process is in a group whose leader has ended.
    is_left: bool,
}

/// Whose session a process is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    /// Its own: nobody can tell where it was born.
    Own,
    Parents,
    Others,
}

impl Bond {
    fn between(process: &Facts, parent: &Stat) -> Self {
        let session = match process.session {
            0 => Session::Parents,
            own if own == process.pid => Session::Own,
            session if session == parent.session => Session::Parents,
            _ => Session::Others,
        };
        let role = Program::recognise(&parent.name, &[]).map(|program| program.role);
        let is_eldest = role == Some(Role::Init) && is_eldest(process, parent);
        let is_left = parent.pid == 1 && is_left(process);
        Self { role, is_first: parent.pid == 1, is_eldest, session, is_left }
    }
}

/// Tells whether the parent took the process over; `None` where that cannot be told.
fn is_adopted(bond: Bond) -> Option<bool> {
    match bond {
        // whatever it took over, it looks after
        Bond { role: Some(Role::Supervisor | Role::Runtime), .. } => Some(false),
        Bond { role: Some(Role::Init), is_eldest, .. } => Some(!is_eldest),
        Bond { role: Some(Role::Reaper), .. }
        // a child is born into its parent's session and leaves it only as the leader of its own
        | Bond { session: Session::Others, .. }
        | Bond { is_left: true, .. } => Some(true),
        // in a container the first process may be any program, and starts others itself
        Bond { is_first: true, session: Session::Own, .. } => None,
        Bond { .. } => Some(false),
    }
}

fn is_eldest(process: &Facts, parent: &Stat) -> bool {
    let children = process::children(parent.pid, parent.threads).unwrap_or_default();
    let children = children.into_iter().filter_map(|child| process::stat(child).ok().flatten());
    children.min_by_key(|child| child.started).is_some_and(|eldest| eldest.pid == process.pid)
}

/// Tells whether the leader of the process's group has ended, as that of a shell's background job does.
fn is_left(process: &Facts) -> bool {
    let group = process::stat(process.pid).ok().flatten().map_or(0, |stat| stat.group);
    group != 0 && group != process.pid && process::stat(group).is_ok_and(|leader| leader.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    const PLAIN: Bond =
        Bond { role: None, is_first: false, is_eldest: false, session: Session::Parents, is_left: false };

    #[test]
    fn who_was_taken_over_is_told_from_who_was_started() {
        let by = |role| Bond { role: Some(role), ..PLAIN };
        let first = Bond { is_first: true, ..PLAIN };
        for (bond, expected) in [
            (PLAIN, Some(false)),
            (Bond { session: Session::Own, ..PLAIN }, Some(false)),
            (Bond { session: Session::Others, ..PLAIN }, Some(true)),
            (by(Role::Reaper), Some(true)),
            (by(Role::Shell), Some(false)),
            // a sub-reaper that watches over what it took over
            (Bond { session: Session::Others, ..by(Role::Supervisor) }, Some(false)),
            (Bond { session: Session::Own, ..by(Role::Runtime) }, Some(false)),
            // tini runs one program, and takes over the rest
            (Bond { is_eldest: true, is_first: true, ..by(Role::Init) }, Some(false)),
            (Bond { is_first: true, ..by(Role::Init) }, Some(true)),
            // the first process of a container
            (first, Some(false)),
            (Bond { session: Session::Own, ..first }, None),
            (Bond { session: Session::Others, ..first }, Some(true)),
            (Bond { is_left: true, ..first }, Some(true)),
            (Bond { role: Some(Role::Reaper), session: Session::Own, ..first }, Some(true)),
        ] {
            assert_eq!(is_adopted(bond), expected, "{bond:?}");
        }
    }

    #[test]
    fn a_session_is_ones_own_the_parents_or_somebody_elses() {
        let own = process::stat(std::process::id()).ok().flatten().expect("this process can be seen");
        let parent = Stat { pid: 30, name: "node".into(), session: 30, ..own };
        for (session, expected) in
            [(50, Session::Own), (30, Session::Parents), (40, Session::Others), (0, Session::Parents)]
        {
            let child = Facts { session, ..example::process(50, 30, "server") };
            assert_eq!(Bond::between(&child, &parent).session, expected, "{session}");
        }
    }
}
