//! What the user could do next, as data: the command finds the words.

use std::net::SocketAddr;

use port_who::Protocol;

use crate::supervisor::Supervisor;

/// What the user could do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Hint {
    /// A program forwards the port to a container: stopping that frees it.
    Container {
        /// The protocol that it forwards.
        protocol: Protocol,
        /// Where it listens.
        local: SocketAddr,
        /// The container's whole ID, where it is known.
        id: Option<String>,
        /// The address and the port that are forwarded to, where they are known.
        address: Option<(String, String)>,
        /// Whether it is one of podman's; docker's otherwise.
        podman: bool,
    },
    /// A service manager listens on behalf of a unit.
    SocketUnit {
        /// The unit's name without its suffix, where it is known.
        unit: Option<String>,
        /// Whether it is a user's own manager.
        user: bool,
    },
    /// Somebody may start again what was stopped.
    Restart(Supervisor),
    /// Descendants outlive their server.
    LeftBehind(Vec<u32>),
    /// These were named and hold no port.
    NoPort(Vec<u32>),
    /// Root may do what was asked for: the words that ask for it, after the command's name. The last is `-` where standard input
    /// names the processes.
    Root(Vec<String>),
    /// Root cannot see the owners either: why, in port-who's words.
    Unseen(String),
}
