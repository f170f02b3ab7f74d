//! The kernel's table of sockets: which exist, in which state, on which ports.
//!
//! One façade: Linux asks the kernel with a filter (`sock_diag(7)`), or reads `/proc/net` where that is refused; macOS looks
//! through the descriptors of all processes, type-checked and never run.

use std::{fmt, io, net::SocketAddr};

use serde::Serialize;

use crate::{PortSpec, Protocol, namespace};

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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Listen => "listen",
            Self::Bound => "bound",
            Self::Established => "established",
            Self::SynSent => "syn_sent",
            Self::SynRecv => "syn_recv",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::TimeWait => "time_wait",
            Self::Close => "close",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::Closing => "closing",
        })
    }
}

/// One socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// The network namespace that it is in (Linux).
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
    /// List sockets in all network namespaces, not only in the caller's (Linux; takes privilege).
    pub all_netns: bool,
}

impl Query {
    /// Asks for the holders of these ports, whatever the protocol and family.
    pub fn holders_of(ports: Vec<PortSpec>) -> Self {
        Self { ports, tcp: true, udp: true, ipv4: true, ipv6: true, connections: false, all_netns: false }
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
pub enum SocketTableError {
    /// The table of one protocol could not be read.
    #[error("cannot read the {0} socket table")]
    Table(Protocol, #[source] io::Error),
    /// The other network namespaces could not be found, or none may be entered.
    #[error("cannot look into other network namespaces")]
    Namespaces(#[source] io::Error),
    /// One network namespace could not be entered.
    #[error("cannot enter network namespace {0}")]
    Namespace(u64, #[source] io::Error),
}

/// The sockets that a query asks for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) sockets: Vec<Socket>,
    /// See [`crate::Answer::hidden`].
    pub(crate) hidden: usize,
}

/// Lists the sockets that the query asks for, ordered by port, protocol and address.
///
/// # Errors
/// When the kernel does not give its whole table: a part of it would be a wrong answer.
pub fn sockets(query: &Query) -> Result<Vec<Socket>, SocketTableError> {
    find(query).map(|found| found.sockets)
}

pub(crate) fn find(query: &Query) -> Result<Found, SocketTableError> {
    let mut found = Found { sockets: in_own_namespace(query)?, hidden: 0 };
    if query.all_netns {
        let others = namespace::others().map_err(SocketTableError::Namespaces)?;
        for namespace in &others.namespaces {
            let sockets = namespace
                .within(|| in_own_namespace(query))
                .map_err(|source| SocketTableError::Namespace(namespace.inode, source))?;
            found.sockets.extend(sockets?);
        }
        found.hidden = others.hidden;
    }
    if found.sockets.is_empty() {
        let unseen = platform::unseen().map_err(|source| SocketTableError::Table(Protocol::Tcp, source))?;
        found.hidden += unseen;
    }
    found.sockets.sort_by_key(Socket::position);
    // a table that is read in pieces may show a socket in two of them
    found.sockets.dedup();
    Ok(found)
}

fn in_own_namespace(query: &Query) -> Result<Vec<Socket>, SocketTableError> {
    let mut found = Vec::new();
    for protocol in query.protocols() {
        let table = platform::sockets(query, protocol).map_err(|source| SocketTableError::Table(protocol, source))?;
        found.extend(table.into_iter().filter(|socket| query.wants(socket)));
    }
    if !found.is_empty() {
        let netns = namespace::own();
        for socket in &mut found {
            socket.netns = netns;
        }
    }
    Ok(found)
}

impl Socket {
    /// Where the socket stands in every list.
    pub(crate) fn position(&self) -> impl Ord + use<> {
        (self.local.port(), self.protocol, self.state, self.local, self.peer, self.netns, self.inode)
    }
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
