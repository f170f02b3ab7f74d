//! Who would start a stopped holder again.

use std::io;

use port_who::origin::{Manager, Origin, Role, StarterKind, manager, program};
use proc_tree::{Facts, handle, process, tree};

/// Whoever keeps a process running.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Keeper {
    /// `ensure-up --keep-up`, which stops its server when it is stopped itself: it runs as `ensure-up --supervise FILE`.
    Supervisor(Facts),
    /// Somebody that only the user can ask.
    Other {
        /// What a person calls it.
        name: String,
        /// The command that stops the process for good.
        stop: String,
    },
}

impl Keeper {
    /// Finds out who keeps a process; `None` where nobody is known to.
    ///
    /// # Errors
    /// When an ancestor cannot be looked at.
    pub(super) fn of(process: &Facts) -> io::Result<Option<Self>> {
        let Some(origin) = Origin::of(process)? else { return Ok(None) };
        let is_ensure_up = |program: &str| program == "ensure-up";
        for (ancestor, program) in origin.supervisors() {
            if !is_ensure_up(program.name) {
                let name = format!("{} ({})", program.name, ancestor.pid);
                return Ok(Some(Self::Other { name, stop: stop_command(program.name, ancestor.pid) }));
            }
            if supervises(ancestor, process) {
                return Ok(Some(Self::Supervisor(ancestor.clone())));
            }
        }
        if let Some(supervisor) = adopter(process)? {
            return Ok(Some(Self::Supervisor(supervisor)));
        }
        let kept = origin.started_by.filter(|by| matches!(by.kind, StarterKind::Container | StarterKind::Systemd));
        Ok(kept.and_then(|_| Self::manager(process)))
    }

    /// A manager that also keeps the caller is the room that both are in, not the process's keeper.
    fn manager(process: &Facts) -> Option<Self> {
        let manager_of_caller = Facts::of(std::process::id()).ok().flatten().and_then(|caller| manager(&caller));
        let keeper = manager(process).filter(|keeper| manager_of_caller.as_ref() != Some(keeper))?;
        Some(match keeper {
            Manager::Unit { name, user } => {
                let scope = if user { " --user" } else { "" };
                Self::Other { stop: format!("systemctl{scope} stop {name}"), name }
            }
            Manager::Container { id, runtime } => {
                let short: String = id.chars().take(12).collect();
                let command = match runtime {
                    "docker" | "podman" => runtime,
                    "lxc" => {
                        return Some(Self::Other { stop: format!("lxc-stop {id}"), name: format!("container {id}") });
                    }
                    "nspawn" => "machinectl",
                    _ => "crictl",
                };
                Self::Other { stop: format!("{command} stop {short}"), name: format!("{runtime} container {short}") }
            }
            Manager::Launchd => Self::Other { name: "launchd".into(), stop: "launchctl bootout".into() },
        })
    }
}

/// Finds the `ensure-up` that took over a server from a supervisor that was killed: it is no ancestor of the server, and
/// holds it open all the same.
fn adopter(process: &Facts) -> io::Result<Option<Facts>> {
    let Some(stat) = process::stat(process.pid)? else { return Ok(None) };
    let line: Vec<u32> = tree::ancestors(&stat)?.iter().map(|above| above.pid).chain([process.pid]).collect();
    for pid in process::all()? {
        let Some(stat) = process::stat(pid)?.filter(|stat| stat.name == "ensure-up") else { continue };
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

/// Tells how to stop what a supervisor keeps. Its own client knows the server by a name that cannot be seen from here.
fn stop_command(supervisor: &str, pid: u32) -> String {
    match supervisor {
        "pm2" => "pm2 stop NAME".to_owned(),
        "supervisord" => "supervisorctl stop NAME".to_owned(),
        "circusd" => "circusctl stop NAME".to_owned(),
        "runsv" => "sv stop NAME".to_owned(),
        "s6-supervise" => "s6-svc -d FOLDER".to_owned(),
        "supervise" => "svc -d FOLDER".to_owned(),
        "monit" => "monit stop NAME".to_owned(),
        _ => format!("kill {pid}"),
    }
}

/// Says who started a process, for one that took a port again.
pub(super) fn starter(process: &Facts) -> io::Result<Option<String>> {
    match Keeper::of(process)? {
        Some(Keeper::Supervisor(supervisor)) => return Ok(Some(format!("ensure-up ({})", supervisor.pid))),
        Some(Keeper::Other { name, .. }) => return Ok(Some(name)),
        None => {}
    }
    let parent = Facts::of(process.ppid)?;
    let known =
        parent.filter(|parent| parent.pid != 1 && program(parent).is_none_or(|known| known.role != Role::Reaper));
    Ok(known.map(|parent| format!("{} ({})", parent.name, parent.pid)))
}
