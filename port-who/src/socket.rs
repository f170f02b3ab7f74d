//! A socket: its own end, its other end, in which state it is and whose.

use std::{fmt, net::SocketAddr};

use serde::Serialize;

use crate::port::{PortSpec, Protocol};

/// The state of a socket: RFC 9293 for TCP; a UDP socket is bound or connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of RFC 9293")]
pub enum State {
    Listen,
    // a UDP socket that is bound and not connected
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
    pub(crate) fn is_holding(self) -> bool {
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

impl Socket {
    /// Tells whether the socket's own end is one of these ports.
    ///
    /// A socket on the unspecified address holds the port on every address of its families, so it is on a named address
    /// too: nobody else could listen there.
    pub(crate) fn is_on(&self, spec: &PortSpec) -> bool {
        let local = self.local.ip().to_canonical();
        let both_families = local.is_ipv6() && self.v6only != Some(true);
        spec.has(self.protocol, self.local.port())
            && spec.address().is_none_or(|address| {
                local == address || (local.is_unspecified() && (local.is_ipv4() == address.is_ipv4() || both_families))
            })
    }

    /// Tells whether the socket's other end is one of these ports.
    pub(crate) fn is_to(&self, spec: &PortSpec) -> bool {
        self.peer.is_some_and(|peer| {
            spec.has(self.protocol, peer.port())
                && spec.address().is_none_or(|address| address == peer.ip().to_canonical())
        })
    }

    /// Tells whether some process must have it open. What lingers after its process closed it (`TIME_WAIT`) is nobody's.
    pub(crate) fn is_open(&self) -> bool {
        self.inode != 0 || self.state.is_holding()
    }

    /// Where the socket stands in every list.
    pub(crate) fn position(&self) -> impl Ord + use<> {
        (self.local.port(), self.protocol, self.state, self.local, self.peer, self.netns, self.inode)
    }
}

/// Orders sockets, each once: a table that is read in pieces may show a socket in two of them.
pub(crate) fn in_order(mut sockets: Vec<Socket>) -> Vec<Socket> {
    sockets.sort_by_key(Socket::position);
    sockets.dedup();
    sockets
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_on_every_address_holds_a_named_one_but_a_named_one_is_not_another() {
        let is_on = |local: &str, v6only, spec: &str| {
            let socket = Socket { local: local.parse().expect("an address"), v6only, ..Socket::example() };
            socket.is_on(&spec.parse().expect("a port"))
        };
        assert!(is_on("127.0.0.1:8000", None, "127.0.0.1:8000"));
        assert!(is_on("0.0.0.0:8000", None, "127.0.0.1:8000"));
        assert!(is_on("[::]:8000", Some(false), "127.0.0.1:8000"));
        assert!(!is_on("[::]:8000", Some(true), "127.0.0.1:8000"));
        assert!(!is_on("127.0.0.2:8000", None, "127.0.0.1:8000"));
        assert!(!is_on("127.0.0.1:8001", None, "127.0.0.1:8000"));
        assert!(!is_on("0.0.0.0:8000", None, "[::1]:8000"));
        assert!(!is_on("127.0.0.1:8000", None, "8000/udp"));
    }

    #[test]
    fn the_other_end_is_compared_whole() {
        let client = Socket { peer: Some(([127, 0, 0, 1], 443).into()), ..Socket::example() };
        let is_to = |spec: &str| client.is_to(&spec.parse().expect("a port"));
        assert!(is_to("443") && is_to("127.0.0.1:443/tcp"));
        assert!(!is_to("8000") && !is_to("127.0.0.2:443") && !is_to("443/udp"));
        assert!(!Socket::example().is_to(&PortSpec::port(8000)), "a listener has no other end");
    }

    #[test]
    fn a_list_is_in_order_and_names_each_socket_once() {
        let at = |port, inode| Socket { local: ([127, 0, 0, 1], port).into(), inode, ..Socket::example() };
        let listed = in_order(vec![at(9000, 3), at(80, 2), at(9000, 3), at(80, 1)]);
        assert_eq!(listed, [at(80, 1), at(80, 2), at(9000, 3)]);
    }
}
