//! macOS: the sockets that processes have open. Type-checked from Linux, never run.
//!
//! There is no public table of sockets: what belongs to processes of other users is seen by root only, and is counted.

mod libproc;

use std::{
    collections::HashSet,
    ffi::c_int,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use proc_tree::process;

use self::libproc::{INI_IPV4, INI_IPV6, SOCKINFO_IN, SOCKINFO_TCP, SocketInfo, describe, list};
use super::occupants::ProtocolOccupants;
use crate::{
    port::Protocol,
    query::Query,
    socket::{Socket, State},
};

/// What all processes have open.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Each socket as often as a process has it open.
    pub(crate) open: Vec<(u32, Socket)>,
    /// How many processes could not be looked into.
    pub(crate) unreadable: usize,
}

pub(super) fn sockets(query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    let open = scan()?.open.into_iter().map(|(_, socket)| socket);
    let found: HashSet<Socket> = open.filter(|socket| socket.protocol == protocol && query.wants(socket)).collect();
    Ok(found.into_iter().collect())
}

/// There is one network alone.
pub(super) fn sockets_beside(_: u32, query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    sockets(query, protocol)
}

/// Lists whatever is on the ports, as far as it can be seen.
pub(super) fn occupants(query: &Query, protocol: Protocol) -> io::Result<ProtocolOccupants> {
    let open = scan()?.open.into_iter().map(|(_, socket)| socket);
    let is_here = |socket: &Socket| socket.protocol == protocol && query.is_occupied_by(socket);
    Ok(ProtocolOccupants { sockets: open.filter(is_here).collect(), is_whole: false })
}

/// Counts the processes whose sockets are not listed.
pub(super) fn unseen() -> io::Result<usize> {
    Ok(scan()?.unreadable)
}

/// Reads the sockets of all processes.
///
/// # Errors
/// When the processes cannot be listed.
pub(crate) fn scan() -> io::Result<Scan> {
    let mut scan = Scan::default();
    for pid in process::all()? {
        match descriptors(pid) {
            Ok(sockets) => scan.open.extend(sockets.into_iter().map(|socket| (pid, socket))),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(_) => scan.unreadable += 1,
        }
    }
    Ok(scan)
}

/// Reads the sockets of one process.
///
/// # Errors
/// When it may not be looked into, or is gone (`ESRCH`).
pub(crate) fn descriptors(pid: u32) -> io::Result<Vec<Socket>> {
    let pid = c_int::try_from(pid).map_err(io::Error::other)?;
    let is_socket =
        |descriptor: &libc::proc_fdinfo| i64::from(descriptor.proc_fdtype) == i64::from(libc::PROX_FDTYPE_SOCKET);
    let sockets = list(pid)?.into_iter().filter(is_socket);
    Ok(sockets.filter_map(|descriptor| socket(&describe(pid, descriptor.proc_fd)?)).collect())
}

/// Reads a TCP or UDP socket that is bound; `None` for any other.
fn socket(info: &SocketInfo) -> Option<Socket> {
    let internet = &info.internet;
    let local = address(info, &internet.local, internet.local_port)?;
    let peer = address(info, &internet.foreign, internet.foreign_port)?;
    let (protocol, state) = match (info.kind, info.protocol) {
        (SOCKINFO_TCP, _) => (Protocol::Tcp, tcp_state(info.tcp_state)?),
        (SOCKINFO_IN, libc::IPPROTO_UDP) if peer.port() == 0 => (Protocol::Udp, State::Bound),
        (SOCKINFO_IN, libc::IPPROTO_UDP) => (Protocol::Udp, State::Established),
        _ => return None,
    };
    (local.port() != 0).then_some(Socket {
        protocol,
        local,
        peer: (!state.is_holding() && peer.port() != 0).then_some(peer),
        state,
        inode: info.so,
        uid: None,
        v6only: local.is_ipv6().then_some(internet.versions & INI_IPV4 == 0),
        netns: None,
    })
}

/// An IPv6 socket that talks IPv4 keeps its address as one: which it is, `insi_vflag` says, not the family.
fn address(info: &SocketInfo, bytes: &[u8; 16], port: c_int) -> Option<SocketAddr> {
    let v6 = info.family == libc::AF_INET6 && info.internet.versions & INI_IPV6 != 0;
    let address: IpAddr = match bytes.last_chunk::<4>() {
        _ if v6 => Ipv6Addr::from(*bytes).into(),
        Some(last) => Ipv4Addr::from(*last).into(),
        None => return None,
    };
    // a port is 16 bits in network order, widened
    Some(SocketAddr::new(address, u16::from_be(u16::try_from(port & 0xffff).ok()?)))
}

/// `TSI_S_*` of `sys/proc_info.h`.
fn tcp_state(number: c_int) -> Option<State> {
    Some(match number {
        0 => State::Close,
        1 => State::Listen,
        2 => State::SynSent,
        3 => State::SynRecv,
        4 => State::Established,
        5 => State::CloseWait,
        6 => State::FinWait1,
        7 => State::Closing,
        8 => State::LastAck,
        9 => State::FinWait2,
        10 => State::TimeWait,
        _ => return None,
    })
}
