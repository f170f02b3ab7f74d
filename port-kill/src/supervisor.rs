//! Who would start a stopped holder again.

use std::{cell::OnceCell, collections::HashMap, io, rc::Rc};

use port_who::{
    PortSpec, Protocol, Query, Socket, holds,
    origin::{Manager, Origin, Role, StarterKind, manager, program, short_id},
    sockets,
};
use proc_tree::{Facts, Identity, Stat, handle, process, tree};

/// Whoever starts a process again when it ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Supervisor {
    /// `ensure-up --keep-up` of one of the ports, which stops its server when it is stopped itself: it runs as `ensure-up --supervise PORT`.
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

/// The port that a supervisor of `ensure-up` keeps up.
pub(crate) type KeptUp = (u16, Protocol);

/// Finds out who keeps processes, and reads each supervisor once, however many processes it keeps.
#[derive(Debug, Default)]
pub(crate) struct Supervisors {
    /// What is above a process, by its parent.
    above: HashMap<Identity, Rc<[Facts]>>,
    /// Every `ensure-up --supervise PORT` of this machine that may be meant, with its port.
    ensure_ups: Option<Vec<(Facts, KeptUp)>>,
    /// Who keeps the caller.
    own_manager: OnceCell<Option<Manager>>,
}

impl Supervisors {
    /// Finds out who keeps a process that holds these sockets; `None` where nobody is known to.
    ///
    /// The supervisor of `ensure-up` goes before all others, however near those are: it stops them as well.
    ///
    /// # Errors
    /// When an ancestor cannot be looked at.
    pub(crate) fn of(&mut self, process: &Facts, held: &[Socket]) -> io::Result<Option<Supervisor>> {
        let Some(stat) = process::stat_if_visible(process.pid)?.filter(|stat| stat.identity() == process.identity())
        else {
            return Ok(None);
        };
        let above = self.above(&stat)?;
        let is_its = |supervisor: &Facts, kept| supervises(supervisor, process) && keeps_up(kept, process, held);
        let ensure_up = above.iter().find(|one| port_of(one).is_some_and(|kept| is_its(one, kept))).cloned();
        if let Some(ensure_up) = ensure_up {
            return Ok(Some(Supervisor::EnsureUp(ensure_up)));
        }
        let line: Vec<u32> = above.iter().map(|above| above.pid).chain([process.pid]).collect();
        // one that took the server over from a supervisor that was killed is no ancestor, and holds it open all the same
        let adopter = self
            .ensure_ups()?
            .iter()
            .find(|(one, kept)| is_its(one, *kept) && handle::held_by(one.pid).iter().any(|held| line.contains(held)));
        if let Some((adopter, _)) = adopter {
            return Ok(Some(Supervisor::EnsureUp(adopter.clone())));
        }
        let program = above.iter().find_map(|above| {
            let known = program(above).filter(|known| known.role == Role::Supervisor && known.name != "ensure-up")?;
            Some(Supervisor::Program { name: known.name, pid: above.pid })
        });
        if program.is_some() {
            return Ok(program);
        }
        // a manager that also keeps the caller is the room that both are in, not the process's supervisor
        let of_caller = self
            .own_manager
            .get_or_init(|| Facts::of(std::process::id()).ok().flatten().and_then(|caller| manager(&caller)));
        let own = manager(process).filter(|own| of_caller.as_ref() != Some(own));
        let Some(manager) = own else { return Ok(None) };
        let started_by = Origin::of(process)?.and_then(|origin| origin.started_by);
        let is_kept = started_by.is_some_and(|by| matches!(by.kind, StarterKind::Container | StarterKind::Systemd));
        Ok(is_kept.then_some(Supervisor::Manager(manager)))
    }

    /// Returns the supervisors of these ports in this network, those of other users too.
    pub(crate) fn of_ports(&mut self, ports: &[PortSpec]) -> io::Result<Vec<(Facts, KeptUp)>> {
        let is_asked_for = |(port, protocol)| ports.iter().any(|spec| spec.has(protocol, port));
        let found = self.ensure_ups()?.iter().filter(|(one, kept)| is_asked_for(*kept) && is_in_own_network(one.pid));
        Ok(found.cloned().collect())
    }

    /// Counts the ancestors of a process.
    ///
    /// # Errors
    /// When an ancestor cannot be looked at.
    pub(crate) fn depth(&mut self, stat: &Stat) -> io::Result<usize> {
        self.above(stat).map(|above| above.len())
    }

    fn above(&mut self, stat: &Stat) -> io::Result<Rc<[Facts]>> {
        let Some(parent) = tree::parent(stat)? else { return Ok(Rc::from([])) };
        if let Some(line) = self.above.get(&parent.identity()) {
            return Ok(Rc::clone(line));
        }
        let above = tree::ancestors(&parent)?;
        let line: Rc<[Facts]> = std::iter::once(parent.clone()).chain(above).map(Facts::from_stat).collect();
        self.above.insert(parent.identity(), Rc::clone(&line));
        Ok(line)
    }

    fn ensure_ups(&mut self) -> io::Result<&[(Facts, KeptUp)]> {
        if self.ensure_ups.is_none() {
            // the command line alone tells of almost every process that it is none
            let supervising = process::all()?.into_iter().filter(|&pid| {
                let words = process::command(pid).ok().flatten().unwrap_or_default();
                words.get(1).is_some_and(|word| word == "--supervise")
            });
            let described = supervising.filter_map(|pid| Facts::of(pid).ok().flatten());
            self.ensure_ups = Some(described.filter_map(|one| port_of(&one).map(|kept| (one, kept))).collect());
        }
        Ok(self.ensure_ups.as_deref().unwrap_or_default())
    }
}

/// Returns the port that a process keeps up, if it is a supervisor of `ensure-up`.
fn port_of(process: &Facts) -> Option<KeptUp> {
    program(process).filter(|program| program.name == "ensure-up")?;
    match process.command.as_deref()? {
        // `8000`, and `5353/udp` for one of UDP
        [_, flag, port, ..] if flag == "--supervise" => match port.strip_suffix("/udp") {
            Some(port) => Some((port.parse().ok()?, Protocol::Udp)),
            None => Some((port.parse().ok()?, Protocol::Tcp)),
        },
        _ => None,
    }
}

/// Returns the port that a running process keeps up, if it is a supervisor of `ensure-up`.
pub(crate) fn supervised_port(supervisor: Identity) -> Option<KeptUp> {
    let now = Facts::of(supervisor.pid).ok().flatten();
    now.filter(|now| now.identity() == supervisor).as_ref().and_then(port_of)
}

/// A stranger's process may call itself anything.
fn supervises(supervisor: &Facts, holder: &Facts) -> bool {
    supervisor.uid == Some(0) || supervisor.uid == holder.uid
}

/// Tells whether a process, which holds these sockets, is what is kept up for that port: what was started from inside a
/// supervised server, and listens elsewhere, is not.
fn keeps_up((port, protocol): KeptUp, process: &Facts, held: &[Socket]) -> bool {
    held.iter().any(|socket| (socket.local.port(), socket.protocol) == (port, protocol)) || {
        let kept = PortSpec::port(port).of_protocol(protocol);
        let on_port = sockets(&Query::holders_of(vec![kept])).unwrap_or_default();
        holds(process.pid, &on_port).unwrap_or(false)
    }
}

/// Tells whether a process is in the network of this one; of another user's that cannot be seen.
fn is_in_own_network(pid: u32) -> bool {
    let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    network(&pid.to_string()).is_none_or(|theirs| network("self").is_none_or(|own| own == theirs))
}

impl Supervisor {
    /// Returns what a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::EnsureUp(supervisor) => format!("ensure-up ({})", supervisor.pid),
            Self::Program { name, pid } => format!("{name} ({pid})"),
            Self::Manager(Manager::Unit { name, .. }) => name.clone(),
            Self::Manager(Manager::Container { id, runtime }) => format!("{runtime} container {}", short_id(id)),
            Self::Manager(Manager::Launchd) => "launchd".to_owned(),
        }
    }
}

/// Tells whether such a program is the parent of what it did not start.
fn takes_over(role: Role) -> bool {
    matches!(role, Role::Reaper | Role::Init | Role::Runtime)
}

/// Says who started a process, for one that took a port again.
pub(crate) fn starter(supervisors: &mut Supervisors, process: &Facts, held: &[Socket]) -> io::Result<Option<String>> {
    if let Some(supervisor) = supervisors.of(process, held)? {
        return Ok(Some(supervisor.name()));
    }
    let parent = process::stat_if_visible(process.ppid)?.map(Facts::from_stat);
    let known = parent.filter(|parent| parent.pid != 1 && program(parent).is_none_or(|known| !takes_over(known.role)));
    Ok(known.map(|parent| format!("{} ({})", parent.name, parent.pid)))
}
