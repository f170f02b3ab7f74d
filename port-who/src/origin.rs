//! Where a process comes from: its line of parents, what started it, and whether anybody still looks after it.

mod manager;
mod program;

use std::{collections::HashMap, io};

use proc_tree::{Facts, Stat, process, tree};
use serde::Serialize;

pub use manager::{Manager, manager};
pub use program::{Program, Role};

/// Where a process comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Its parent, the parent's parent, and so on to the first process.
    pub ancestors: Vec<Facts>,
    /// What started it, where that can be told.
    pub started_by: Option<StartedBy>,
    /// Whether its parent ended and nobody owns it; see [`is_orphan`].
    pub orphan: Option<bool>,
}

/// Origins by PID.
pub type Origins = HashMap<u32, Origin>;

/// What started a process: the nearest thing that a person would name.
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

impl Origin {
    /// Finds out where a process comes from; `None` when it has ended.
    ///
    /// # Errors
    /// When a process on the way up cannot be looked at.
    pub fn of(process: &Facts) -> io::Result<Option<Self>> {
        let Some(stat) = process::stat(process.pid)?.filter(|stat| stat.identity() == process.identity()) else {
            return Ok(None);
        };
        let ancestors = lineage(tree::ancestors(&stat)?);
        let manager = owner(process);
        let mut started_by = starter(&ancestors, manager.as_ref());
        if started_by.is_none() {
            started_by = starter(&session(process, &ancestors)?, None);
        }
        Ok(Some(Self { ancestors, started_by, orphan: is_orphan(process) }))
    }

    /// Returns the supervisors among the ancestors, the nearest first: whoever would start the process again.
    pub fn supervisors(&self) -> impl Iterator<Item = (&Facts, Program)> {
        self.ancestors.iter().filter_map(|ancestor| {
            Some((ancestor, program(ancestor)?)).filter(|(_, program)| program.role == Role::Supervisor)
        })
    }
}

fn lineage(ancestors: Vec<Stat>) -> Vec<Facts> {
    ancestors.into_iter().map(Facts::from_stat).collect()
}

/// Recognises what a process runs, where that is known for what it does to others.
pub fn program(process: &Facts) -> Option<Program> {
    Program::recognise(&process.name, process.command.as_deref().unwrap_or_default())
}

/// The session's leader and its ancestors, where they are not the process's own: it may still say where an orphan was born.
fn session(process: &Facts, ancestors: &[Facts]) -> io::Result<Vec<Facts>> {
    let known = process.session == process.pid || ancestors.iter().any(|ancestor| ancestor.pid == process.session);
    let leader = if known || process.session == 0 { None } else { process::stat(process.session)? };
    let Some(leader) = leader.filter(|leader| leader.start_id <= process.start_id) else { return Ok(Vec::new()) };
    let above = tree::ancestors(&leader)?;
    Ok(lineage(std::iter::once(leader).chain(above).collect()))
}

/// Picks what a person would name: a container before all, then the nearest program that keeps or runs others, then the
/// unit that all of them are in, then the shell.
fn starter(ancestors: &[Facts], manager: Option<&Manager>) -> Option<StartedBy> {
    let nearest = |role: Role| {
        ancestors.iter().find_map(|process| Some((process, program(process).filter(|program| program.role == role)?)))
    };
    let keeper = ancestors.iter().find_map(|process| {
        let program = program(process)?;
        matches!(program.role, Role::Supervisor | Role::Multiplexer | Role::Cron).then_some((process, program))
    });
    if let Some(Manager::Container { id, runtime }) = manager {
        return Some(named(StarterKind::Container, id, Some(runtime)));
    }
    if let Some((process, program)) = keeper {
        return Some(by_program(process, program));
    }
    match manager {
        Some(Manager::Unit { name, .. }) => return Some(named(StarterKind::Systemd, name, None)),
        Some(Manager::Launchd) => return Some(named(StarterKind::Launchd, "launchd", None)),
        _ => {}
    }
    login_shell(ancestors)
        .or_else(|| nearest(Role::Shell))
        .or_else(|| nearest(Role::Ssh))
        .map(|(process, program)| by_program(process, program))
}

/// The shell that leads its session is the one a person typed into; others are scripts' or `sh -c`.
fn login_shell(ancestors: &[Facts]) -> Option<(&Facts, Program)> {
    ancestors
        .iter()
        .filter(|process| process.session == process.pid)
        .find_map(|process| Some((process, program(process).filter(|program| program.role == Role::Shell)?)))
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

/// Tells whether a process lost its parent, and nobody else owns it; `None` where its parent cannot be seen.
///
/// Its parent is then the first process or a sub-reaper: one that is known as such, or that never shared the process's
/// session. What a service manager or a container runtime keeps is no orphan, nor is a worker of a server that is itself
/// the first process, as in containers.
pub fn is_orphan(process: &Facts) -> Option<bool> {
    if process.ppid == 0 {
        return Some(false); // the first process, or its parent is outside this PID namespace
    }
    let parent = process::stat(process.ppid).ok().flatten()?;
    // the kernel cuts the parent's name, and the process's is whole
    let worker = process.name.starts_with(&parent.name) && process.session == parent.session;
    let reaper = Program::recognise(&parent.name, &[]).is_some_and(|program| program.role == Role::Reaper);
    let adopted = reaper || strayed(process, &parent) || (parent.pid == 1 && !worker);
    Some(adopted && owner(process).is_none())
}

/// A child is born into its parent's session and leaves it only as the leader of its own.
fn strayed(process: &Facts, parent: &Stat) -> bool {
    process.session != 0 && process.session != process.pid && process.session != parent.session
}

/// Who keeps the process. What a login or a clock daemon started is in that daemon's unit, which does not look after it.
fn owner(process: &Facts) -> Option<Manager> {
    let manager = manager(process)?;
    if let Manager::Unit { name, .. } = &manager {
        let stem = name.split(['.', '@']).next().unwrap_or_default();
        let door = Program::recognise(if stem == "ssh" { "sshd" } else { stem }, &[])
            .filter(|program| matches!(program.role, Role::Ssh | Role::Cron | Role::Multiplexer));
        if door.is_some_and(|door| program(process).is_none_or(|program| program.role != door.role)) {
            return None;
        }
    }
    Some(manager)
}
