//! What can be found out about a holder before it is judged.

use std::io;

use port_who::{
    Holding, Socket,
    origin::{Manager, Program, Role, manager, program},
};
use proc_tree::{Facts, Identity};

use super::{
    candidate::Candidate,
    named::is_selected,
    plan::{Evidence, Kept},
    request::{Request, Target},
};
use crate::{
    hint::Hint,
    supervisor::{Supervisor, Supervisors},
};

/// Gathers what there is to know of a candidate, and who would start it again. `refusal` tells why a process must not be
/// signalled. What is of no account any more is not looked for.
pub(super) fn gather(
    candidate: &Candidate,
    ended: bool,
    request: &Request,
    refusal: impl Fn(Identity) -> Option<&'static str>,
    supervisors: &mut Supervisors,
) -> io::Result<(Evidence, Option<Supervisor>)> {
    let known = program(&candidate.process);
    let mut evidence = Evidence {
        selected: is_meant(candidate, request),
        ended,
        forwarder: known.is_some_and(serves_a_container),
        untouchable: refusal(candidate.identity()),
        service_manager: is_service_manager(&candidate.process),
        kept: Kept::No,
    };
    let may_stop = evidence.selected && !ended && !evidence.forwarder && !evidence.service_manager;
    if !may_stop || evidence.untouchable.is_some() {
        return Ok((evidence, None));
    }
    let supervisor = supervisors.of(&candidate.process, &candidate.sockets)?;
    evidence.kept = match &supervisor {
        Some(Supervisor::EnsureUp(above)) if refusal(above.identity()).is_some() => Kept::ByAncestor,
        Some(Supervisor::EnsureUp(_)) => Kept::BySupervisor,
        Some(Supervisor::Program { .. } | Supervisor::Manager(_)) | None => Kept::No,
    };
    Ok((evidence, supervisor))
}

/// Tells whether a program listens, or keeps somebody's socket, on behalf of a container.
fn serves_a_container(program: Program) -> bool {
    program.role == Role::Forwarder || program.name.starts_with("containerd-shim") || program.name == "conmon"
}

/// Tells whether it listens on behalf of units. Where it was started as `/sbin/init`, its process's name tells.
fn is_service_manager(process: &Facts) -> bool {
    let is_one = |name: &str| matches!(name, "systemd" | "launchd");
    is_one(&process.name) || program(process).is_some_and(|program| is_one(program.name))
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

/// Finds what would free the ports of one that must not be stopped. `holdings` are all that hold the ports, for what they
/// tell of each other.
pub(super) fn instead(candidate: &Candidate, evidence: Evidence, holdings: &[Holding]) -> Option<Hint> {
    let is_first = candidate.process.pid == 1;
    if evidence.forwarder {
        candidate.sockets.first().map(|socket| container(candidate, socket))
    } else if evidence.service_manager && (is_first || evidence.untouchable.is_none()) {
        Some(Hint::SocketUnit { unit: unit(candidate, holdings), user: !is_first })
    } else {
        None
    }
}

/// Names the container behind a forwarder by what its arguments and its control group say.
fn container(candidate: &Candidate, socket: &Socket) -> Hint {
    let words = candidate.process.command.as_deref().unwrap_or_default();
    let value = |flag: &str| words.iter().skip_while(|word| *word != flag).nth(1).cloned();
    Hint::Container {
        protocol: socket.protocol,
        local: socket.local,
        id: manager(&candidate.process).and_then(|manager| match manager {
            Manager::Container { id, .. } => Some(id),
            _ => None,
        }),
        address: value("-container-ip").zip(value("-container-port")),
        podman: program(&candidate.process).is_some_and(|program| !is_dockers(program.name)),
    }
}

/// Tells docker's programs from podman's; slirp4netns and pasta serve podman mostly.
fn is_dockers(name: &str) -> bool {
    matches!(name, "docker-proxy" | "rootlesskit-docker-proxy") || name.starts_with("containerd-shim")
}

/// Names the unit whose socket a service manager holds: the service that it was handed to has the same name.
fn unit(candidate: &Candidate, holdings: &[Holding]) -> Option<String> {
    let shares = |holding: &&Holding| candidate.sockets.iter().any(|socket| socket.inode == holding.socket.inode);
    holdings.iter().filter(shares).find_map(|holding| match manager(holding.process.as_ref()?)? {
        Manager::Unit { name, .. } => Some(name.trim_end_matches(".service").to_owned()),
        _ => None,
    })
}
