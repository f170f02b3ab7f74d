//! Whether a holder may be stopped, and how.

use std::io;

use port_who::{
    Holding, Socket,
    origin::{Manager, Role, manager, program},
};
use proc_tree::Facts;

use super::{Candidate, keeper::Keeper};
use crate::{Request, Target, guard::Guard, request::is_selected};

/// What is to be done about a holder.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Stop it; somebody may start it again.
    Stop(Option<Keeper>),
    /// It was not asked for.
    Spare(&'static str),
    /// It must not be stopped.
    Refuse { reason: &'static str, hint: Option<String> },
}

/// Judges a holder. `holdings` are all that hold the ports, for what they tell of each other.
pub(super) fn judge(
    candidate: &Candidate,
    holdings: &[Holding],
    request: &Request,
    guard: &Guard,
) -> io::Result<Verdict> {
    if !is_meant(candidate, request) {
        return Ok(Verdict::Spare("it was not selected"));
    }
    let process = &candidate.process;
    let program = program(process);
    if let Some(program) = program.filter(|program| program.role == Role::Forwarder) {
        return Ok(Verdict::Refuse {
            reason: "it forwards to a container",
            hint: Some(container(program.name, candidate)),
        });
    }
    let service_manager = program.is_some_and(|program| matches!(program.name, "systemd" | "launchd"));
    if let Some(reason) = guard.refusal(candidate.identity()) {
        let hint = (service_manager && process.pid == 1).then(|| socket_unit(candidate, holdings, ""));
        return Ok(Verdict::Refuse { reason, hint });
    }
    if service_manager {
        let hint = Some(socket_unit(candidate, holdings, " --user"));
        return Ok(Verdict::Refuse { reason: "it is a service manager", hint });
    }
    let keeper = Keeper::of(process)?;
    if let Some(Keeper::Supervisor(supervisor)) = &keeper
        && guard.refusal(supervisor.identity()).is_some()
    {
        return Ok(Verdict::Refuse { reason: "its supervisor is an ancestor of this process", hint: None });
    }
    Ok(Verdict::Stop(keeper))
}

fn is_meant(candidate: &Candidate, request: &Request) -> bool {
    let process = &candidate.process;
    let is_named = match &request.target {
        Target::Ports(_) => true,
        Target::Processes(selected) => {
            selected.iter().any(|one| candidate.sockets.iter().any(|socket| is_selected(one, process, socket)))
        }
    };
    is_named && candidate.sockets.iter().any(|socket| is_admitted(process, socket, request))
}

/// Unlike a list of holders, which may show one that only might be meant.
fn is_admitted(process: &Facts, socket: &Socket, request: &Request) -> bool {
    let filter = &request.filter;
    let is_certain =
        (filter.user.is_none() || process.uid.is_some()) && (filter.command.is_none() || process.command.is_some());
    is_certain && filter.admits(&Holding { socket: socket.clone(), process: Some(process.clone()) })
}

/// Names the container behind a forwarder by what its arguments and its control group say.
fn container(forwarder: &str, candidate: &Candidate) -> String {
    let port = candidate.ports().first().copied().unwrap_or_default();
    let podman = forwarder.starts_with("rootlessport");
    let runtime = if podman { "podman" } else { "docker" };
    if let Some(Manager::Container { id, runtime }) = manager(&candidate.process) {
        let id: String = id.chars().take(12).collect();
        return format!("{runtime} stop {id} stops the container behind port {port}");
    }
    let words = candidate.process.command.as_deref().unwrap_or_default();
    let value = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1);
    let address = match (value("-container-ip"), value("-container-port")) {
        (Some(ip), Some(port)) => format!(" at {ip}:{port}"),
        _ => String::new(),
    };
    let list = if podman { "podman ps".to_owned() } else { format!("docker ps --filter publish={port}") };
    format!("{list} names the container{address} behind port {port}; {runtime} stop NAME stops it")
}

/// Names the unit whose socket a service manager holds: the service that it was handed to has the same name.
fn socket_unit(candidate: &Candidate, holdings: &[Holding], scope: &str) -> String {
    let shares = |holding: &&Holding| candidate.sockets.iter().any(|socket| socket.inode == holding.socket.inode);
    let unit = holdings.iter().filter(shares).find_map(|holding| match manager(holding.process.as_ref()?)? {
        Manager::Unit { name, .. } => Some(name.trim_end_matches(".service").to_owned()),
        _ => None,
    });
    match unit {
        Some(unit) => format!("systemctl{scope} stop {unit}.socket"),
        None => format!(
            "systemctl{scope} list-sockets names the unit that listens; systemctl{scope} stop NAME.socket stops it"
        ),
    }
}
