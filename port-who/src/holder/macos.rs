//! macOS: netstat2's table names a process per open descriptor. Type-checked from Linux, never run.

use std::{io, net::SocketAddr};

use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, iterate_sockets_info};

use super::Holders;
use crate::{Protocol, Socket};

pub(super) fn holders(sockets: &[Socket]) -> io::Result<Holders> {
    let mut found = Holders { pids: vec![Vec::new(); sockets.len()], unreadable: 0 };
    for info in iterate_sockets_info(AddressFamilyFlags::all(), ProtocolFlags::all()).map_err(io::Error::other)? {
        let info = info.map_err(io::Error::other)?;
        let (protocol, local) = match &info.protocol_socket_info {
            ProtocolSocketInfo::Tcp(tcp) => (Protocol::Tcp, SocketAddr::new(tcp.local_addr, tcp.local_port)),
            ProtocolSocketInfo::Udp(udp) => (Protocol::Udp, SocketAddr::new(udp.local_addr, udp.local_port)),
        };
        for (socket, pids) in sockets.iter().zip(&mut found.pids) {
            if socket.protocol == protocol && socket.local == local {
                pids.extend(&info.associated_pids);
            }
        }
    }
    for pids in &mut found.pids {
        pids.sort_unstable();
        pids.dedup();
    }
    Ok(found)
}

pub(super) fn holds(pid: u32, sockets: &[Socket]) -> io::Result<bool> {
    Ok(holders(sockets)?.pids.iter().any(|pids| pids.contains(&pid)))
}
