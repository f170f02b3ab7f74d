//! What is on the ports of one protocol, whatever its state.

use crate::socket::Socket;

/// The sockets of one protocol that keep a port from a server.
#[derive(Debug, Default)]
pub(super) struct ProtocolOccupants {
    pub(super) sockets: Vec<Socket>,
    /// Whether the kernel lists all of them.
    pub(super) is_whole: bool,
}
