//! Who listens on a port, and where it is asked.

use std::net::SocketAddr;

use port_who::{Answer, Holding, LookError, PortSpec, Protocol, Query, Socket, SocketTableError};

/// Finds out who listens on a port.
///
/// # Errors
/// When the socket table or the process table cannot be read.
pub(crate) fn look(port: u16) -> Result<Answer, LookError> {
    port_who::look(&query(port))
}

/// Lists the sockets that listen on a port, without asking whose they are.
///
/// # Errors
/// When the socket table cannot be read.
pub(crate) fn sockets(port: u16) -> Result<Vec<Socket>, SocketTableError> {
    port_who::sockets(&query(port))
}

/// Asks for the listeners of one port.
pub(crate) fn query(port: u16) -> Query {
    Query::holders_of(vec![PortSpec::port(port).of_protocol(Protocol::Tcp)])
}

/// Returns where the server listens, the address to ask it on first.
pub(crate) fn listener(holdings: &[Holding]) -> Option<SocketAddr> {
    usual(holdings.iter().map(|holding| holding.socket.local))
}

/// Returns the address that people and proxies would use: IPv4 loopback most.
pub(crate) fn usual(addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    addresses.min_by_key(|address| {
        (!address.ip().is_loopback() && !address.ip().is_unspecified(), address.is_ipv6(), *address)
    })
}

/// Returns the PIDs of the holders, each once, in ascending order.
pub(crate) fn pids(holdings: &[Holding]) -> Vec<u32> {
    proc_tree::ascending(holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.pid)))
}
