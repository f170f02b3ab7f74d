//! A connection of our own to a port, by which is seen whether somebody accepts there: the kernel lets connections in before
//! anybody does.
//!
//! One that waits to be accepted is no process's and has no inode (Linux). What others do with theirs tells less: one that is
//! reset leaves the table as one that was served does. Where none that waits can be seen, somebody accepts.

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use port_who::{Socket, SocketTableError, State};

use super::port;

/// How long it may take to come through: a queue that is full lets nobody in.
const PATIENCE: Duration = Duration::from_millis(50);

/// A connection of our own, open as long as this is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    _stream: TcpStream,
    client: SocketAddr,
    port: u16,
}

impl Connection {
    /// Connects; `None` where that does not come through.
    pub(crate) fn open(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        Some(Self { client: stream.local_addr().ok()?, port: address.port(), _stream: stream })
    }

    /// Finds the server's end of it once that was accepted.
    pub(crate) fn accepted(&self) -> Result<Vec<Socket>, SocketTableError> {
        let mut sockets = port::connections(self.port)?;
        sockets.retain(|socket| is_of(socket, self.port, self.client) && socket.inode != 0);
        Ok(sockets)
    }
}

/// Tells whether somebody accepts on a port, where our own connection has come through or none has.
pub(crate) fn is_accepted_on(port: u16, own: Option<&Connection>) -> bool {
    // what cannot be seen may be
    port::connections(port).map_or(true, |sockets| is_served(&sockets, port, own.map(|own| own.client)))
}

/// Nobody accepts where no connection is open, and our own waits; where that is not let in, one that was.
fn is_served(sockets: &[Socket], port: u16, own: Option<SocketAddr>) -> bool {
    let connections = || sockets.iter().filter(|socket| socket.local.port() == port && socket.peer.is_some());
    let mut waiting = connections().filter(|socket| is_waiting(socket));
    let waits = waiting.any(|socket| own.is_none_or(|own| is_of(socket, port, own)));
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
            let served = [Some(([127, 0, 0, 1], 1).into()), None].map(|own| is_served(&sockets, 8000, own));
            assert_eq!(served, [of_own, of_none], "{sockets:?}");
        }
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
