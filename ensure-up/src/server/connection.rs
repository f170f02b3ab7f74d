//! Connections of our own to a port, by which is seen whether somebody accepts there: the kernel lets connections in before
//! anybody does. One will do, but where several sockets listen on one address (SO_REUSEPORT): the kernel chooses one of them for
//! each connection, and it may be that of a process that has ended, which its children have inherited.
//!
//! One that waits to be accepted is no process's and has no inode (Linux). What others do with theirs tells less: one that is
//! reset leaves the table as one that was served does. Where none that waits can be seen, somebody accepts.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use port_who::{Socket, SocketTableError, State};

use super::port;
use crate::Port;

/// How long it may take to come through: a queue that is full lets nobody in.
const PATIENCE: Duration = Duration::from_millis(50);

/// So many are made where several sockets listen: that all of them meet those of the dead is next to impossible.
const SEVERAL: usize = 8;

/// Connections of our own, open as long as this is kept; none where none comes through.
#[derive(Debug)]
pub(crate) struct Connections {
    streams: Vec<TcpStream>,
    clients: Vec<SocketAddr>,
    port: u16,
}

impl Connections {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let listeners = port::sockets(Port::tcp(address.port())).unwrap_or_default();
        let is_group = listeners.iter().filter(|socket| socket.local == address).count() > 1;
        let connect = |_| TcpStream::connect_timeout(&address, PATIENCE).ok();
        let streams: Vec<TcpStream> = (0..if is_group { SEVERAL } else { 1 }).filter_map(connect).collect();
        let clients = streams.iter().filter_map(|stream| stream.local_addr().ok()).collect();
        Self { streams, clients, port: address.port() }
    }

    /// Returns how many there are.
    pub(crate) fn count(&self) -> usize {
        self.streams.len()
    }

    /// Finds the server's end of those that were accepted.
    pub(crate) fn accepted(&self) -> Result<Vec<Socket>, SocketTableError> {
        let mut sockets = port::connections(self.port)?;
        let is_own = |socket: &Socket| self.clients.iter().any(|&own| is_of(socket, self.port, own));
        sockets.retain(|socket| socket.inode != 0 && is_own(socket));
        Ok(sockets)
    }

    /// Tells whether somebody accepts on the port.
    pub(crate) fn are_served(&self) -> bool {
        // what cannot be seen may be
        port::connections(self.port).map_or(true, |sockets| is_served(&sockets, self.port, &self.clients))
    }
}

/// Nobody accepts where no connection is open, and all of our own wait; where none is let in, one that was.
fn is_served(sockets: &[Socket], port: u16, own: &[SocketAddr]) -> bool {
    let connections = || sockets.iter().filter(|socket| socket.local.port() == port && socket.peer.is_some());
    let mut waiting = connections().filter(|socket| is_waiting(socket));
    let waits = match own {
        [] => waiting.next().is_some(),
        own => own.iter().all(|&own| waiting.clone().any(|socket| is_of(socket, port, own))),
    };
    !waits || connections().any(|socket| socket.inode != 0)
}

/// Tells whether the kernel has let a client in whom nobody has accepted; the client may have ended its side by now.
fn is_waiting(socket: &Socket) -> bool {
    socket.inode == 0 && matches!(socket.state, State::Established | State::CloseWait)
}

/// Tells whether a socket is the server's end of the connection of a client.
fn is_of(socket: &Socket, port: u16, client: SocketAddr) -> bool {
    let canonical = |address: SocketAddr| (address.ip().to_canonical(), address.port());
    socket.local.port() == port && socket.peer.is_some_and(|peer| canonical(peer) == canonical(client))
}

#[cfg(test)]
mod tests {
    use port_who::Protocol;

    use super::*;

    #[test]
    fn nobody_accepts_where_our_own_connection_waits_and_none_is_open() {
        let socket = |port: u16, peer: Option<u16>, state, inode| Socket {
            protocol: Protocol::Tcp,
            local: ([127, 0, 0, 1], port).into(),
            peer: peer.map(|peer| ([127, 0, 0, 1], peer).into()),
            state,
            inode,
            uid: None,
            v6only: None,
            netns: None,
        };
        let (listener, other) = (socket(8000, None, State::Listen, 7), socket(8001, Some(2), State::Established, 9));
        let of = |client, state, inode| socket(8000, Some(client), state, inode);
        // where they can be seen: our own is 1, or has not come through
        for (connections, of_own, of_none) in [
            (vec![], true, true),
            // the other end of ours, and what is on another port
            (vec![socket(1, Some(8000), State::Established, 8), other], true, true),
            (vec![of(1, State::Established, 0)], false, false),
            (vec![of(1, State::CloseWait, 0)], false, false),
            (vec![of(2, State::Established, 0)], true, false),
            (vec![of(1, State::Established, 0), of(2, State::CloseWait, 0)], false, false),
            (vec![of(1, State::Established, 12)], true, true),
            (vec![of(1, State::Established, 0), of(2, State::CloseWait, 12)], true, true),
            // one that was served is nobody's when it is over
            (vec![of(1, State::Established, 0), of(2, State::TimeWait, 0)], false, false),
            (vec![of(1, State::FinWait2, 0)], true, true),
        ] {
            let sockets: Vec<Socket> = std::iter::once(listener.clone()).chain(connections).collect();
            let served = [&[([127, 0, 0, 1], 1).into()][..], &[]].map(|own| is_served(&sockets, 8000, own));
            assert_eq!(served, [of_own, of_none], "{sockets:?}");
        }
        // of two of our own one waits, and the other was accepted and is over
        let own = [1, 2].map(|port| ([127, 0, 0, 1], port).into());
        let one_waits = [of(1, State::Established, 0), of(2, State::TimeWait, 0)];
        assert!(is_served(&one_waits, 8000, &own));
        assert!(!is_served(&[of(1, State::Established, 0), of(2, State::Established, 0)], 8000, &own));
    }

    #[test]
    fn a_client_is_the_same_in_both_families() {
        let socket = |peer: &str| Socket {
            protocol: Protocol::Tcp,
            local: "[::ffff:127.0.0.1]:8000".parse().expect("an address"),
            peer: peer.parse().ok(),
            state: State::Established,
            inode: 0,
            uid: None,
            v6only: None,
            netns: None,
        };
        let client = "127.0.0.1:5000".parse().expect("an address");
        assert!(is_of(&socket("[::ffff:127.0.0.1]:5000"), 8000, client));
        assert!(!is_of(&socket("[::ffff:127.0.0.2]:5000"), 8000, client));
        assert!(!is_of(&socket("[::ffff:127.0.0.1]:5001"), 8000, client));
        assert!(!is_of(&socket("[::ffff:127.0.0.1]:5000"), 8001, client));
    }
}
