//! What the kernel says of ports at one moment, and whether each is free.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    limits,
    trial::{Trial, try_port},
    verdict::{Verdict, culprits, judge, judge_trial, overlaps},
};
use crate::{
    port::{PortSpec, Protocol},
    query::Query,
    socket::{Socket, State},
    table::{SocketTableError, occupants},
};

/// Whether a port is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// Nobody listens on it and a server can bind it now.
    Free,
    /// These serve it.
    Held(Vec<Socket>),
    /// Nobody serves it, but a server cannot bind it, because of these; none where the kernel does not list what is in the
    /// way.
    Used(Vec<Socket>),
}

/// It could not be found out which ports are free.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FreeError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error(transparent)]
    Sockets(SocketTableError),
    /// For a reason that is not the port's.
    #[error("cannot try to bind port {0}")]
    Bind(u16, #[source] io::Error),
    #[error("cannot read which ports the kernel hands out")]
    Ephemeral(#[source] io::Error),
}

/// What the kernel's tables show of some ports.
#[derive(Debug)]
pub struct Occupancy<'q> {
    query: &'q Query,
    sockets: HashMap<u16, Vec<Socket>>,
    /// Of which protocols they show sockets that were bound and never used.
    whole: Vec<Protocol>,
}

impl<'q> Occupancy<'q> {
    /// Reads what is on the query's ports, in the caller's network namespace.
    ///
    /// # Errors
    /// When the socket table cannot be read.
    pub fn read(query: &'q Query) -> Result<Self, FreeError> {
        let found = occupants(query).map_err(Cause::Sockets)?;
        let mut sockets: HashMap<u16, Vec<Socket>> = HashMap::new();
        for socket in found.sockets {
            sockets.entry(socket.local.port()).or_default().push(socket);
        }
        Ok(Self { query, sockets, whole: found.whole })
    }

    /// Tells whether any socket is on this port.
    pub fn has_any(&self, port: u16) -> bool {
        self.sockets.contains_key(&port)
    }

    /// Tells whether a port is free on the address that was named, by default on every one, for each protocol that is asked
    /// for.
    ///
    /// # Errors
    /// When the tables cannot tell and no socket can be bound, for another reason than the port's.
    pub fn of(&self, spec: &PortSpec, port: u16) -> Result<Availability, FreeError> {
        let addresses = addresses(self.query, spec);
        let mut used = Vec::new();
        let mut is_free = true;
        for protocol in protocols(self.query, spec) {
            let in_the_way = |socket: &&Socket| {
                socket.protocol == protocol && addresses.iter().any(|&address| overlaps(socket, address))
            };
            let here: Vec<&Socket> = self.sockets.get(&port).into_iter().flatten().filter(in_the_way).collect();
            match self.judge(protocol, &addresses, port, &here)? {
                Verdict::Held => {
                    let holding = here.into_iter().filter(|socket| socket.state.is_holding());
                    return Ok(Availability::Held(holding.cloned().collect()));
                }
                Verdict::Free => {}
                Verdict::Used | Verdict::Untold => {
                    is_free = false;
                    used.extend(culprits(&here));
                }
            }
        }
        Ok(if is_free { Availability::Free } else { Availability::Used(used) })
    }

    fn judge(
        &self,
        protocol: Protocol,
        addresses: &[IpAddr],
        port: u16,
        here: &[&Socket],
    ) -> Result<Verdict, FreeError> {
        match judge(protocol, here, self.whole.contains(&protocol)) {
            Verdict::Untold => {}
            Verdict::Used if protocol == Protocol::Tcp && !self.are_still_there(port, here)? => {}
            verdict => return Ok(verdict),
        }
        let trial = try_port(protocol, addresses, port).map_err(|error| Cause::Bind(port, error))?;
        Ok(judge_trial(trial, here))
    }

    /// Tells whether a socket that is bound and not used is so a moment later: somebody may only have tried to bind the port.
    fn are_still_there(&self, port: u16, here: &[&Socket]) -> Result<bool, FreeError> {
        let query = Query { ports: vec![PortSpec::port(port)], ..self.query.clone() };
        let now = occupants(&query).map_err(Cause::Sockets)?.sockets;
        Ok(here.iter().any(|socket| socket.state == State::Close && now.contains(socket)))
    }
}

/// Tells whether the caller may bind a port that is free, and why not. The port itself is taken for it only where it is
/// for services that root starts.
pub(super) fn permission(query: &Query, spec: &PortSpec, port: u16) -> Result<Trial, FreeError> {
    let addresses = addresses(query, spec);
    let asked = if port < limits::first_unprivileged() { port } else { 0 };
    if asked == 0 && addresses.iter().all(IpAddr::is_unspecified) {
        return Ok(Trial::Bound);
    }
    for protocol in protocols(query, spec) {
        match try_port(protocol, &addresses, asked).map_err(|error| Cause::Bind(port, error))? {
            Trial::Bound => {}
            refused => return Ok(refused),
        }
    }
    Ok(Trial::Bound)
}

/// Returns the addresses that a server would bind. The unspecified one of IPv6 takes IPv4 too, as servers use it.
fn addresses(query: &Query, spec: &PortSpec) -> Vec<IpAddr> {
    match spec.address() {
        Some(address) if address != Ipv6Addr::UNSPECIFIED => vec![address],
        _ => [(query.ipv4, Ipv4Addr::UNSPECIFIED.into()), (query.ipv6, Ipv6Addr::UNSPECIFIED.into())]
            .into_iter()
            .filter_map(|(wanted, address)| wanted.then_some(address))
            .collect(),
    }
}

pub(super) fn protocols(query: &Query, spec: &PortSpec) -> impl Iterator<Item = Protocol> {
    let named = spec.protocol();
    query.protocols().filter(move |&protocol| named.is_none_or(|named| named == protocol))
}
