//! Who holds a port, and where it is asked. A port of TCP is held by who listens on it, one of UDP by who is bound to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use port_who::{Availability, LookError, Occupancy, PortSpec, Protocol, Query, Socket, SocketTableError, report};
use proc_tree::Identity;

use super::holding::Holding;
use crate::Port;

/// Finds out who holds a port.
///
/// # Errors
/// When the socket table or the process table cannot be read.
pub(crate) fn look(port: Port) -> Result<Vec<Holding>, LookError> {
    Ok(port_who::look(&query(port))?.holdings.into_iter().map(Holding::from).collect())
}

/// Lists the sockets that hold a port, without asking whose they are.
///
/// # Errors
/// When the socket table cannot be read.
pub(crate) fn sockets(port: Port) -> Result<Vec<Socket>, SocketTableError> {
    port_who::sockets(&query(port))
}

/// Lists the sockets of TCP with either end on a port: those that listen, and both ends of connections.
///
/// # Errors
/// When the socket table cannot be read.
pub(crate) fn connections(port: u16) -> Result<Vec<Socket>, SocketTableError> {
    let ports = vec![PortSpec::port(port).of_protocol(Protocol::Tcp)];
    port_who::sockets(&Query { connections: true, ..Query::holders_of(ports) })
}

/// Lists the ports of this protocol that the trees of these processes hold, each once, in ascending order.
///
/// # Errors
/// When the socket table or the process table cannot be read.
pub(crate) fn held_by(roots: &[Identity], protocol: Protocol) -> Result<Vec<u16>, LookError> {
    let (tcp, udp) = (protocol == Protocol::Tcp, protocol == Protocol::Udp);
    let answer = port_who::look_below(&Query { tcp, udp, ..Query::holders_of(Vec::new()) }, roots)?;
    Ok(proc_tree::ascending(answer.holdings.iter().map(|holding| holding.socket.local.port())))
}

/// Says who uses a port that nobody holds and that is not free all the same: sockets that were bound and do not listen, and
/// connections. What cannot be seen is not told. It may bind the port for a moment: not while a server is about to do that.
pub(crate) fn in_use(port: Port) -> Option<String> {
    let query = query(port);
    match Occupancy::read(&query).ok()?.of(&query.ports[0], port.number).ok()? {
        Availability::Used(sockets) if !sockets.is_empty() => Some(report::in_use(&port_who::owners(&sockets).ok()?)),
        _ => None,
    }
}

/// Asks for the sockets that hold one port.
pub(crate) fn query(port: Port) -> Query {
    Query::holders_of(vec![PortSpec::port(port.number).of_protocol(port.protocol)])
}

/// Returns where the server listens, the address to ask it on first; `None` for one without a port.
pub(crate) fn listener(holdings: &[Holding]) -> Option<SocketAddr> {
    usual(holdings.iter().filter_map(|holding| Some(holding.socket.as_ref()?.local)))
}

/// Returns where it is asked: a server on every address is on the loopback one.
pub(crate) fn reachable(listener: SocketAddr) -> SocketAddr {
    let address = match listener.ip().to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listener.port())
}

/// Returns the address that people and proxies would use: IPv4 loopback most.
pub(crate) fn usual(addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    addresses.min_by_key(|address| {
        (!address.ip().is_loopback() && !address.ip().is_unspecified(), address.is_ipv6(), *address)
    })
}

/// Returns the PIDs of the holders, each once, in ascending order.
pub(crate) fn pids(holdings: &[Holding]) -> Vec<u32> {
    proc_tree::ascending(Holding::processes(holdings).map(|process| process.pid))
}
