//! What is asked for: which ports or processes, which of their holders, and how to stop those.

use std::{collections::HashSet, net::SocketAddr, time::Duration};

use port_who::{Filter, Holding, PortSpec, Protocol, Query, Socket, holds};
use proc_tree::{Facts, Identity, selection::Selected};

use crate::Settings;

/// Ports to be freed, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be freed.
    pub target: Target,
    /// Which holders are meant; the others keep their ports.
    pub filter: Filter,
    /// How they are stopped.
    pub settings: Settings,
    /// Only tell what would be signalled.
    pub dry_run: bool,
    /// For how long to watch that the ports stay free.
    pub settle: Duration,
}

/// What is to be freed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These ports, whoever holds them.
    Ports(Vec<PortSpec>),
    /// What these processes hold, or the port that each is said to hold.
    Processes(Vec<Selected>),
}

/// What of the kernel's sockets is at stake.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) query: Query,
    /// The sockets of the selected processes, where processes were named; others on the same port are not meant.
    chosen: Option<HashSet<(Protocol, SocketAddr)>>,
}

impl Scope {
    /// Asks for all that could be at stake.
    pub(crate) fn of(target: &Target) -> Self {
        match target {
            Target::Ports(ports) => Self { query: Query::holders_of(ports.clone()), chosen: None },
            Target::Processes(selected) => {
                let named: Option<Vec<PortSpec>> = selected.iter().map(|one| one.port.map(PortSpec::port)).collect();
                Self { query: Query::holders_of(named.unwrap_or_default()), chosen: None }
            }
        }
    }

    /// Narrows to the sockets that the selected processes hold.
    pub(crate) fn narrow<'h>(&mut self, holdings: impl Iterator<Item = &'h Holding>) {
        let chosen: HashSet<_> = holdings.map(|holding| (holding.socket.protocol, holding.socket.local)).collect();
        self.query.ports =
            chosen.iter().map(|(protocol, local)| PortSpec::port(local.port()).of_protocol(*protocol)).collect();
        self.chosen = Some(chosen);
    }

    pub(crate) fn covers(&self, socket: &Socket) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(&(socket.protocol, socket.local)))
    }

    /// Tells whether nothing at all is at stake: then the query would ask for everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.chosen.as_ref().is_some_and(HashSet::is_empty)
    }
}

/// Tells whether standard input named this holding, or may have: by a record without a PID, or by a process of which
/// cannot be seen whether it is the owner.
pub(crate) fn is_named(one: &Selected, holding: &Holding) -> bool {
    let socket = &holding.socket;
    let may_be = || one.pid.is_none() || (holding.is_invisible() && may_hold(one, std::slice::from_ref(socket)));
    holding.process.as_ref().is_some_and(|process| is_selected(one, process, socket))
        || (one.port.is_some() && is_on_port(one, socket) && may_be())
}

/// Tells whether the named process lives and it cannot be seen whether it holds one of these sockets.
pub(crate) fn may_hold(one: &Selected, invisible: &[Socket]) -> bool {
    let lives = |pid| {
        let identity = Identity::of(pid).ok().flatten();
        identity.is_some_and(|identity| one.start_id.is_none_or(|start| start == identity.start_id))
    };
    one.pid.is_some_and(|pid| lives(pid) && holds(pid, invisible).is_err())
}

/// Tells whether standard input named this process, on this port where it named one.
pub(crate) fn is_selected(one: &Selected, process: &Facts, socket: &Socket) -> bool {
    one.pid == Some(process.pid)
        && one.start_id.is_none_or(|start| start == process.start_id)
        && is_on_port(one, socket)
}

pub(crate) fn is_on_port(one: &Selected, socket: &Socket) -> bool {
    one.port.is_none_or(|port| port == socket.local.port())
        && one.protocol.as_ref().is_none_or(|named| *named == socket.protocol.to_string())
}
