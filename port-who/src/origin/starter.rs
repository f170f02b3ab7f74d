//! What started a process: the nearest thing that a person would name.

use proc_tree::Facts;
use serde::Serialize;

use super::{
    manager::Manager,
    program::{Program, Role, program},
};

/// What started a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StartedBy {
    /// Which kind of thing.
    pub kind: StarterKind,
    /// The unit, the container's whole ID, or the program: `nginx.service`, `tmux`, `zsh`, `nodemon`.
    pub name: String,
    /// The runtime of a container: `docker`, `podman`, …
    pub runtime: Option<&'static str>,
    /// The PID of the program.
    pub pid: Option<u32>,
    /// The start of that program, for identity.
    pub start_id: Option<u64>,
}

/// The kinds of things that start processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StarterKind {
    /// A container's runtime.
    Container,
    /// A program that starts it again when it ends; see [`Role::Supervisor`].
    Supervisor,
    /// tmux, or zellij, which is alike.
    Tmux,
    /// GNU screen.
    Screen,
    /// A clock daemon.
    Cron,
    /// A unit of systemd's (or a service of OpenRC's).
    Systemd,
    /// A shell.
    Shell,
    /// A login over the network, without a shell.
    Ssh,
    /// launchd(8).
    Launchd,
}

/// Picks what a person would name: a container before all, then the nearest program that keeps or runs others, then the
/// unit that all of them are in, then the shell.
pub(super) fn starter(ancestors: &[Facts], manager: Option<&Manager>) -> Option<StartedBy> {
    if let Some(Manager::Container { id, runtime }) = manager {
        return Some(named(StarterKind::Container, id, Some(runtime)));
    }
    let keeps_others = |role| matches!(role, Role::Supervisor | Role::Multiplexer | Role::Cron);
    if let Some((process, program)) = nearest(ancestors, keeps_others) {
        return Some(by_program(process, program));
    }
    match manager {
        Some(Manager::Unit { name, .. }) => return Some(named(StarterKind::Systemd, name, None)),
        Some(Manager::Launchd) => return Some(named(StarterKind::Launchd, "launchd", None)),
        _ => {}
    }
    // the shell that leads its session is the one a person typed into; others are scripts' or `sh -c`
    let leaders = ancestors.iter().filter(|process| process.session == process.pid);
    nearest(leaders, |role| role == Role::Shell)
        .or_else(|| nearest(ancestors, |role| role == Role::Shell))
        .or_else(|| nearest(ancestors, |role| role == Role::Ssh))
        .map(|(process, program)| by_program(process, program))
}

fn nearest<'p>(
    ancestors: impl IntoIterator<Item = &'p Facts>,
    is_meant: impl Fn(Role) -> bool,
) -> Option<(&'p Facts, Program)> {
    ancestors
        .into_iter()
        .find_map(|process| Some((process, program(process).filter(|program| is_meant(program.role))?)))
}

fn named(kind: StarterKind, name: &str, runtime: Option<&'static str>) -> StartedBy {
    StartedBy { kind, name: name.to_owned(), runtime, pid: None, start_id: None }
}

fn by_program(process: &Facts, program: Program) -> StartedBy {
    let kind = match program.role {
        Role::Multiplexer if program.name == "screen" => StarterKind::Screen,
        Role::Multiplexer => StarterKind::Tmux,
        Role::Cron => StarterKind::Cron,
        Role::Shell => StarterKind::Shell,
        Role::Ssh => StarterKind::Ssh,
        Role::Supervisor | Role::Forwarder | Role::Reaper => StarterKind::Supervisor,
    };
    StartedBy { pid: Some(process.pid), start_id: Some(process.start_id), ..named(kind, program.name, None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::process;

    #[test]
    fn a_container_goes_before_a_supervisor_before_a_unit_before_a_shell() {
        let unit = Manager::Unit { name: "web.service".into(), user: false };
        let container = Manager::Container { id: "web".into(), runtime: "lxc" };
        let typed_into = Facts { session: 20, ..process(20, 10, "-zsh") };
        let shells = || vec![process(30, 20, "sh"), typed_into.clone(), process(10, 1, "sshd: dev")];
        let above = |more: &[(u32, &str)]| {
            let more = more.iter().map(|&(pid, command)| process(pid, 0, command));
            more.chain(shells()).collect::<Vec<_>>()
        };
        for (ancestors, manager, kind, name) in [
            (above(&[(40, "nodemon")]), Some(&container), StarterKind::Container, "web"),
            (above(&[(40, "nodemon")]), Some(&unit), StarterKind::Supervisor, "nodemon"),
            (above(&[(50, "node"), (40, "tmux: server")]), Some(&unit), StarterKind::Tmux, "tmux"),
            (above(&[(40, "SCREEN")]), None, StarterKind::Screen, "screen"),
            (above(&[(40, "cron")]), None, StarterKind::Cron, "cron"),
            (above(&[]), Some(&unit), StarterKind::Systemd, "web.service"),
            (above(&[]), Some(&Manager::Launchd), StarterKind::Launchd, "launchd"),
            (above(&[]), None, StarterKind::Shell, "zsh"),
            (shells().split_off(2), None, StarterKind::Ssh, "sshd"),
        ] {
            let starter = starter(&ancestors, manager).expect("somebody started it");
            assert_eq!((starter.kind, starter.name.as_str()), (kind, name));
        }
        assert_eq!(starter(&[process(1, 0, "init")], None), None);
    }
}
