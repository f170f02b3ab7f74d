//! The kernel's table of sockets: which exist, in which state, on which ports.
//!
//! One façade: Linux asks the kernel with a filter (`sock_diag(7)`), or reads `/proc/net` where that is refused; macOS goes
//! through netstat2, type-checked and never run.

use std::{io, net::SocketAddr};

use serde::Serialize;

use crate::{PortSpec, Protocol};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;

/// The state of a socket: RFC 9293 for TCP; a UDP socket is bound or connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of RFC 9293")]
pub enum State {
    Listen,
    /// A UDP socket that is bound and not connected.
    Bound,
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Closing,
}

impl State {
    /// Tells whether a socket in this state serves its port: listens, or takes datagrams from anyone.
    pub fn is_holding(self) -> bool {
        matches!(self, Self::Listen | Self::Bound)
    }
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Its transport protocol.
    pub protocol: Protocol,
    /// Its own address and port.
    pub local: SocketAddr,
    /// The other end, of a connected socket.
    pub peer: Option<SocketAddr>,
    /// Its state.
    pub state: State,
    /// What ties it to the processes that have it open; 0 for one that no process has open any more.
    pub inode: u64,
    /// The user that made it.
    pub uid: Option<u32>,
    /// Whether an IPv6 socket takes IPv6 only; `None` where the kernel does not say.
    pub v6only: Option<bool>,
    /// The network namespace that it was found in (Linux), where another than the caller's was asked.
    pub netns: Option<u64>,
}

/// Which sockets to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The ports; none means all.
    pub ports: Vec<PortSpec>,
    /// List TCP sockets.
    pub tcp: bool,
    /// List UDP sockets.
    pub udp: bool,
    /// List IPv4 sockets.
    pub ipv4: bool,
    /// List IPv6 sockets.
    pub ipv6: bool,
    /// List connections too, with either end on one of the ports.
    pub connections: bool,
}

impl Query {
    /// Asks for the holders of these ports, whatever the protocol and family.
    pub fn holders_of(ports: Vec<PortSpec>) -> Self {
        Self { ports, tcp: true, udp: true, ipv4: true, ipv6: true, connections: false }
    }

    fn wants(&self, socket: &Socket) -> bool {
        let family = if socket.local.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let protocol = match socket.protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
        };
        family && protocol && (self.connections || socket.state.is_holding()) && self.wants_port(socket)
    }

    fn wants_port(&self, socket: &Socket) -> bool {
        self.ports.is_empty()
            || self.ports.iter().any(|spec| spec.matches(socket) || (self.connections && spec.matches_peer(socket)))
    }

    /// Returns the protocols that can match at all.
    fn protocols(&self) -> impl Iterator<Item = Protocol> {
        let named = |protocol| {
            self.ports.is_empty() || self.ports.iter().any(|spec| spec.protocol().is_none_or(|p| p == protocol))
        };
        [(self.tcp, Protocol::Tcp), (self.udp, Protocol::Udp)]
            .into_iter()
            .filter(move |&(wanted, protocol)| wanted && named(protocol))
            .map(|(_, protocol)| protocol)
    }
}

/// The socket table could not be read: it is not known who holds what.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the {protocol} socket table")]
pub struct SocketTableError {
    protocol: Protocol,
    source: io::Error,
}

/// Lists the sockets that the query asks for, ordered by port, protocol and address.
///
/// # Errors
/// When the kernel does not give its whole table: a part of it would be a wrong answer.
pub fn sockets(query: &Query) -> Result<Vec<Socket>, SocketTableError> {
    let mut found = Vec::new();
    for protocol in query.protocols() {
        let table = platform::sockets(query, protocol).map_err(|source| SocketTableError { protocol, source })?;
        found.extend(table.into_iter().filter(|socket| query.wants(socket)));
    }
    found.sort_by_key(|socket| {
        (socket.local.port(), socket.protocol, socket.state, socket.local, socket.peer, socket.inode)
    });
    Ok(found)
}

#[cfg(test)]
impl Socket {
    pub(crate) fn example() -> Self {
        Self {
            protocol: Protocol::Tcp,
            local: ([127, 0, 0, 1], 8000).into(),
            peer: None,
            state: State::Listen,
            inode: 1,
            uid: Some(0),
            v6only: None,
            netns: None,
        }
    }
}
