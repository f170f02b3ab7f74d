//! Binding a port to see whether a server could: what the kernel's tables do not show.
//!
//! It is short and in nobody's way: the socket is closed right after the bind, never listens, no child inherits it, and
//! with `SO_REUSEADDR` set it leaves the port to every server that sets it too, also in these microseconds. One that does
//! not could miss the port in them; so it is done only where the tables cannot tell.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt},
};

use super::link;
use crate::port::Protocol;

/// How binding a port went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trial {
    Bound,
    Taken,
    /// The caller may not bind it.
    Forbidden,
    /// The address is none of this machine's.
    Foreign,
}

/// Binds the port on these addresses, one after the other, and lets go of it; port 0 takes none that anybody asked for.
pub(super) fn try_port(protocol: Protocol, addresses: &[IpAddr], port: u16) -> io::Result<Trial> {
    for address in addresses.iter().flat_map(|&address| on_each_link(address, port)) {
        match try_bind(protocol, address) {
            Ok(()) => {}
            Err(Errno::ADDRINUSE) => return Ok(Trial::Taken),
            Err(Errno::ACCESS | Errno::PERM) => return Ok(Trial::Forbidden),
            // a machine without this family has nobody in it either
            Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) if address.ip().is_unspecified() => {}
            Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => return Ok(Trial::Foreign),
            // a link's address that no link has, and the address of a group
            Err(Errno::INVAL) if address.is_ipv6() && !address.ip().is_unspecified() => return Ok(Trial::Foreign),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Trial::Bound)
}

/// Returns the address with the port, once for each link that has it where it is unique on its link only.
fn on_each_link(address: IpAddr, port: u16) -> Vec<SocketAddr> {
    let links = match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => link::of(address),
        _ => Vec::new(),
    };
    let mut all = vec![SocketAddr::new(address, port); links.len().max(1)];
    for (one, link) in all.iter_mut().zip(links) {
        if let SocketAddr::V6(one) = one {
            one.set_scope_id(link);
        }
    }
    all
}

fn try_bind(protocol: Protocol, address: SocketAddr) -> rustix::io::Result<()> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = match protocol {
        Protocol::Tcp => SocketType::STREAM,
        Protocol::Udp => SocketType::DGRAM,
    };
    let socket = socket(family, kind)?;
    // of UDP sockets it would share the datagrams: servers do not set it there
    sockopt::set_socket_reuseaddr(&socket, protocol == Protocol::Tcp)?;
    if address.is_ipv6() {
        // the other family is tried by itself
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &address)
}

#[cfg(not(target_os = "macos"))]
fn socket(family: AddressFamily, kind: SocketType) -> rustix::io::Result<std::os::fd::OwnedFd> {
    socket_with(family, kind, SocketFlags::CLOEXEC, None)
}

/// Darwin sets the flag in a second call.
#[cfg(target_os = "macos")]
fn socket(family: AddressFamily, kind: SocketType) -> rustix::io::Result<std::os::fd::OwnedFd> {
    let socket = socket_with(family, kind, SocketFlags::empty(), None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}
