//! What started a process: the nearest thing that a person would name.

use std::path::PathBuf;

use proc_tree::Facts;
use serde::{Serialize, Serializer};

use super::{
    manager::Manager,
    program::{Program, Role, program},
    service::Service,
    shell::{Use, use_of},
};

const ENSURE_UP: &str = "ensure-up";

/// What started a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StartedBy {
    /// Which kind of thing.
    pub kind: StarterKind,
    /// The unit, the container's whole ID, or the program: `nginx.service`, `ensure-up`, `tmux`, `zsh`, `nodemon`.
    pub name: String,
    /// The name of a service of `ensure-up`; null where it has none, and for another kind.
    pub service: Option<String>,
    /// The folder of a service of `ensure-up`; null for another kind.
    #[serde(serialize_with = "text")]
    pub folder: Option<PathBuf>,
    /// The runtime of a container: `docker`, `podman` and others; null for another kind.
    pub runtime: Option<&'static str>,
    /// The process ID of the program; null where it is no process, or has ended.
    pub pid: Option<u32>,
    /// Which of the processes that have, had or will have that PID: opaque; null as `pid` is.
    pub start_id: Option<u64>,
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn text<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// The kinds of things that start processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StarterKind {
    /// A container's runtime.
    Container,
    /// `ensure-up`, whether it still keeps the process up or not.
    EnsureUp,
    /// A program that starts it again when it ends.
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

/// Picks what a person would name: a container before all, then the service of `ensure-up`, then the nearest program that keeps
/// or runs others, then the unit that all of them are in, then the shell that somebody types into.
pub(super) fn starter(ancestors: &[Facts], manager: Option<&Manager>, service: Option<&Service>) -> Option<StartedBy> {
    if let Some(Manager::Container { id, runtime }) = manager {
        return Some(named(StarterKind::Container, id, Some(runtime)));
    }
    let keeps_others = |role| matches!(role, Role::Supervisor | Role::Multiplexer | Role::Cron);
    let keeper = nearest(ancestors, keeps_others);
    if let Some(service) = service.filter(|service| !keeper.is_some_and(|keeper| is_within(keeper, service))) {
        return Some(by_service(ancestors, service));
    }
    if let Some((process, program)) = keeper {
        return Some(by_program(process, program));
    }
    match manager {
        Some(Manager::Unit { name, .. }) => return Some(named(StarterKind::Systemd, name, None)),
        Some(Manager::Launchd) => return Some(named(StarterKind::Launchd, "launchd", None)),
        _ => {}
    }
    // of the shells that a person types into the one that leads its session goes first
    let shells = |wanted: Use| ancestors.iter().filter(move |process| use_of(process) == Some(wanted));
    let is_any = |_| true;
    nearest(shells(Use::Typing).filter(|process| process.session == process.pid), is_any)
        .or_else(|| nearest(shells(Use::Typing), is_any))
        .or_else(|| nearest(ancestors, |role| role == Role::Ssh))
        .or_else(|| nearest(shells(Use::Script), is_any))
        .map(|(process, program)| by_program(process, program))
}

/// Tells whether a program that keeps others was itself started inside a service: tmux in a terminal of an editor's server. A
/// supervisor there is part of the service.
fn is_within((process, program): (&Facts, Program), service: &Service) -> bool {
    program.role != Role::Supervisor && Service::marked(process.pid).as_ref() == Some(service)
}

fn by_service(ancestors: &[Facts], service: &Service) -> StartedBy {
    let above = ancestors.iter().find(|process| program(process).is_some_and(|program| program.name == ENSURE_UP));
    StartedBy {
        service: service.name.clone(),
        folder: Some(service.folder.clone()),
        pid: above.map(|process| process.pid),
        start_id: above.map(|process| process.start_id),
        ..named(StarterKind::EnsureUp, ENSURE_UP, None)
    }
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
    StartedBy { kind, name: name.to_owned(), service: None, folder: None, runtime, pid: None, start_id: None }
}

fn by_program(process: &Facts, program: Program) -> StartedBy {
    let kind = match program.role {
        Role::Multiplexer if program.name == "screen" => StarterKind::Screen,
        Role::Multiplexer => StarterKind::Tmux,
        Role::Cron => StarterKind::Cron,
        Role::Shell => StarterKind::Shell,
        Role::Ssh => StarterKind::Ssh,
        Role::Supervisor if program.name == ENSURE_UP => StarterKind::EnsureUp,
        Role::Supervisor | Role::Forwarder | Role::Runtime | Role::Init | Role::Reaper => StarterKind::Supervisor,
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
            let starter = starter(&ancestors, manager, None).expect("somebody started it");
            assert_eq!((starter.kind, starter.name.as_str()), (kind, name));
        }
        assert_eq!(starter(&[process(1, 0, "init")], None, None), None);
    }

    #[test]
    fn a_service_of_ensure_up_is_named_with_its_folder_and_goes_before_what_runs_in_it() {
        let service = Service { folder: "/home/dev/shop".into(), name: Some("api".into()) };
        let container = Manager::Container { id: "web".into(), runtime: "lxc" };
        let supervisor = process(30, 1, "ensure-up");
        for (ancestors, manager, kind, pid) in [
            (vec![], None, StarterKind::EnsureUp, None),
            (vec![process(40, 30, "nodemon"), supervisor.clone()], None, StarterKind::EnsureUp, Some(30)),
            (vec![supervisor], Some(&container), StarterKind::Container, None),
        ] {
            let starter = starter(&ancestors, manager, Some(&service)).expect("somebody started it");
            assert_eq!((starter.kind, starter.pid), (kind, pid), "{ancestors:?}");
            let is_named = starter.service == service.name && starter.folder.as_ref() == Some(&service.folder);
            assert_eq!(is_named, kind == StarterKind::EnsureUp, "{starter:?}");
        }
    }

    #[test]
    fn a_programs_own_shell_is_nobodys_and_a_script_goes_last() {
        let (own, script) = (process(30, 20, "sh -c node"), process(20, 10, "bash deploy.sh"));
        let name = |ancestors: &[Facts]| starter(ancestors, None, None).and_then(|starter| starter.pid);
        assert_eq!(name(&[own.clone(), script.clone(), process(10, 1, "zsh -i")]), Some(10));
        assert_eq!(name(&[own.clone(), script.clone(), process(9, 1, "sshd: dev@notty")]), Some(9));
        assert_eq!(name(&[own.clone(), script]), Some(20));
        assert_eq!(name(&[own]), None);
    }
}
