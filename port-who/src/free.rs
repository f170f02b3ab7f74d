//! Ports that nobody holds, and that can be bound now.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt},
};

use crate::{
    port::{PortSpec, Protocol},
    query::Query,
    socket::Socket,
    table::{SocketTableError, sockets},
};

/// The ports below are for services that root starts.
const FIRST_UNPRIVILEGED: u16 = 1024;

/// The free ports that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Free {
    /// The ports, each once, in the order in which they were asked for.
    pub ports: Vec<u16>,
    /// The first port that nobody holds and the caller may not bind.
    pub forbidden: Option<u16>,
    /// The first address that was named and is none of this machine's.
    pub foreign: Option<IpAddr>,
}

/// It could not be found out which ports are free.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FreeError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Sockets(SocketTableError),
    /// For a reason that is not the port's.
    #[error("cannot try to bind port {0}")]
    Bind(u16, #[source] io::Error),
}

/// Finds the first `most` of the query's ports that nobody holds and that can be bound now, as a server without special
/// options would bind them: also a connection that lingers on a port (TIME_WAIT) keeps it taken. Without ports it looks
/// from 1024 up.
///
/// # Errors
/// When the socket table cannot be read, or no socket can be made.
pub fn free(query: &Query, most: usize) -> Result<Free, FreeError> {
    let mut held: HashMap<u16, Vec<Socket>> = HashMap::new();
    for socket in sockets(query).map_err(Cause::Sockets)? {
        held.entry(socket.local.port()).or_default().push(socket);
    }
    let any = [PortSpec::range(FIRST_UNPRIVILEGED, u16::MAX)];
    let specs = if query.ports.is_empty() { &any[..] } else { &query.ports };
    let mut free = Free::default();
    for (spec, port) in specs.iter().flat_map(|spec| spec.ports().map(move |port| (spec, port))) {
        if free.ports.len() == most {
            break;
        }
        let holders = held.get(&port).into_iter().flatten();
        if free.ports.contains(&port) || holders.into_iter().any(|socket| socket.is_on(spec)) {
            continue;
        }
        match try_port(query, spec, port).map_err(|error| Cause::Bind(port, error))? {
            Trial::Bound => free.ports.push(port),
            Trial::Taken => {}
            Trial::Forbidden => free.forbidden = free.forbidden.or(Some(port)),
            Trial::Foreign => free.foreign = free.foreign.or(spec.address()),
        }
    }
    Ok(free)
}

/// How binding a port went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    Bound,
    Taken,
    Forbidden,
    Foreign,
}

/// Binds the port for every protocol and family that is meant, one after the other.
fn try_port(query: &Query, spec: &PortSpec, port: u16) -> io::Result<Trial> {
    let addresses: Vec<IpAddr> = match spec.address() {
        Some(address) => vec![address],
        None => [(query.ipv4, Ipv4Addr::UNSPECIFIED.into()), (query.ipv6, Ipv6Addr::UNSPECIFIED.into())]
            .into_iter()
            .filter_map(|(wanted, address)| wanted.then_some(address))
            .collect(),
    };
    let protocols = [(query.tcp, Protocol::Tcp), (query.udp, Protocol::Udp)]
        .into_iter()
        .filter(|&(wanted, protocol)| wanted && spec.protocol().is_none_or(|named| named == protocol));
    let mut outcome = Trial::Taken; // for a query of no protocol at all
    for (_, protocol) in protocols {
        for &address in &addresses {
            match try_bind(SocketAddr::new(address, port), protocol) {
                Ok(()) => outcome = Trial::Bound,
                Err(Errno::ADDRINUSE) => return Ok(Trial::Taken),
                Err(Errno::ACCESS | Errno::PERM) => return Ok(Trial::Forbidden),
                // a machine without this family has nobody in it either
                Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) if address.is_unspecified() => {}
                Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => return Ok(Trial::Foreign),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(outcome)
}

fn try_bind(address: SocketAddr, protocol: Protocol) -> rustix::io::Result<()> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = match protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let socket: OwnedFd = socket_with(family, kind, SocketFlags::empty(), None)?;
    if address.is_ipv6() {
        // the other family is tried by itself
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &address)
}
