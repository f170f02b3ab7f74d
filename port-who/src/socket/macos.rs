//! macOS: netstat2, which reads every socket of every process. Type-checked from Linux, never run.

use std::{io, net::SocketAddr};

use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, TcpState, iterate_sockets_info};

use super::{Query, Socket, State};
use crate::Protocol;

pub(super) fn sockets(query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    let mut families = AddressFamilyFlags::empty();
    families.set(AddressFamilyFlags::IPV4, query.ipv4);
    families.set(AddressFamilyFlags::IPV6, query.ipv6);
    let protocols = match protocol {
        Protocol::Tcp => ProtocolFlags::TCP,
        Protocol::Udp => ProtocolFlags::UDP,
    };
    let mut found = Vec::new();
    for info in iterate_sockets_info(families, protocols).map_err(io::Error::other)? {
        let info = info.map_err(io::Error::other)?;
        let (local, peer, state) = match &info.protocol_socket_info {
            ProtocolSocketInfo::Tcp(tcp) => (
                SocketAddr::new(tcp.local_addr, tcp.local_port),
                SocketAddr::new(tcp.remote_addr, tcp.remote_port),
                state(tcp.state),
            ),
            // the table does not tell a connected UDP socket from a bound one
            ProtocolSocketInfo::Udp(udp) => {
                let local = SocketAddr::new(udp.local_addr, udp.local_port);
                (local, SocketAddr::new(udp.local_addr, 0), Some(State::Bound))
            }
        };
        let Some(state) = state else { continue };
        found.push(Socket {
            protocol,
            local,
            peer: (peer.port() != 0).then_some(peer),
            state,
            inode: 0,
            uid: None,
            v6only: None,
            netns: None,
        });
    }
    // one row per process and descriptor: the same socket comes as often as it is open
    found.sort_by_key(|socket| (socket.local, socket.peer, socket.state));
    found.dedup();
    Ok(found)
}

fn state(state: TcpState) -> Option<State> {
    Some(match state {
        TcpState::Listen => State::Listen,
        TcpState::Established => State::Established,
        TcpState::SynSent => State::SynSent,
        TcpState::SynReceived => State::SynRecv,
        TcpState::FinWait1 => State::FinWait1,
        TcpState::FinWait2 => State::FinWait2,
        TcpState::TimeWait => State::TimeWait,
        TcpState::Closed => State::Close,
        TcpState::CloseWait => State::CloseWait,
        TcpState::LastAck => State::LastAck,
        TcpState::Closing => State::Closing,
        _ => return None,
    })
}
