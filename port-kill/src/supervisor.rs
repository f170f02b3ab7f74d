//! Who would start a stopped holder again.

use std::io;

use port_who::origin::{Manager, Origin, Role, StarterKind, manager, program};
use proc_tree::{Facts, handle, process, tree};

/// Whoever starts a process again when it ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Supervisor {
    /// `ensure-up --keep-up`, which stops its server when it is stopped itself: it runs as `ensure-up --supervise FILE`.
    EnsureUp(Facts),
    /// A program that only the user can ask.
    Program {
        /// What it is known as.
        name: &'static str,
        /// Its PID.
        pid: u32,
    },
    /// A service manager or a container's runtime.
    Manager(Manager),
}

impl Supervisor {
    /// Finds out who keeps a process; `None` where nobody is known to.
    ///
    /// # Errors
    /// When an ancestor cannot be looked at.
    pub(crate) fn of(process: &Facts) -> io::Result<Option<Self>> {
        let Some(origin) = Origin::of(process)? else { return Ok(None) };
        for (ancestor, program) in origin.supervisors() {
            if program.name != "ensure-up" {
                return Ok(Some(Self::Program { name: program.name, pid: ancestor.pid }));
            }
            if supervises(ancestor, process) {
                return Ok(Some(Self::EnsureUp(ancestor.clone())));
            }
        }
        if let Some(adopter) = adopter(process)? {
            return Ok(Some(Self::EnsureUp(adopter)));
        }
        let kept = origin.started_by.filter(|by| matches!(by.kind, StarterKind::Container | StarterKind::Systemd));
        Ok(kept.and_then(|_| own_manager(process)).map(Self::Manager))
    }

    /// Returns what a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::EnsureUp(supervisor) => format!("ensure-up ({})", supervisor.pid),
            Self::Program { name, pid } => format!("{name} ({pid})"),
            Self::Manager(Manager::Unit { name, .. }) => name.clone(),
            Self::Manager(Manager::Container { id, runtime: "lxc" }) => format!("container {id}"),
            Self::Manager(Manager::Container { id, runtime }) => format!("{runtime} container {}", short(id)),
            Self::Manager(Manager::Launchd) => "launchd".to_owned(),
        }
    }
}

/// A container's ID as its runtime's commands show it.
fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

/// A manager that also keeps the caller is the room that both are in, not the process's supervisor.
fn own_manager(process: &Facts) -> Option<Manager> {
    let manager_of_caller = Facts::of(std::process::id()).ok().flatten().and_then(|caller| manager(&caller));
    manager(process).filter(|own| manager_of_caller.as_ref() != Some(own))
}

/// Finds the `ensure-up` that took over a server from a supervisor that was killed: it is no ancestor of the server, and
/// holds it open all the same.
fn adopter(process: &Facts) -> io::Result<Option<Facts>> {
    let Some(stat) = process::stat(process.pid)? else { return Ok(None) };
    let line: Vec<u32> = tree::ancestors(&stat)?.iter().map(|above| above.pid).chain([process.pid]).collect();
    for stat in process::visible()? {
        let Some(stat) = Some(stat?).filter(|stat| stat.name == "ensure-up") else { continue };
        let pid = stat.pid;
        let supervisor = Facts::from_stat(stat);
        if supervises(&supervisor, process) && handle::held_by(pid).iter().any(|held| line.contains(held)) {
            return Ok(Some(supervisor));
        }
    }
    Ok(None)
}

/// A stranger's process may call itself anything.
fn supervises(ancestor: &Facts, holder: &Facts) -> bool {
    let says_so = ancestor.command.as_ref().and_then(|words| words.get(1)).is_some_and(|word| word == "--supervise");
    says_so && (ancestor.uid == Some(0) || ancestor.uid == holder.uid)
}

/// Says who started a process, for one that took a port again.
pub(crate) fn starter(process: &Facts) -> io::Result<Option<String>> {
    if let Some(supervisor) = Supervisor::of(process)? {
        return Ok(Some(supervisor.name()));
    }
    let parent = process::stat_if_visible(process.ppid)?.map(Facts::from_stat);
    let known =
        parent.filter(|parent| parent.pid != 1 && program(parent).is_none_or(|known| known.role != Role::Reaper));
    Ok(known.map(|parent| format!("{} ({})", parent.name, parent.pid)))
}
