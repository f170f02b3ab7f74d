//! The kinds of targets.

use std::path::PathBuf;

use port_who::PortSpec;
use url::Url;

use super::host::Host;

/// A kind of target, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An HTTP request.
    Http { url: Url, place: Place },
    /// A connection, nothing more.
    Connect(Place),
    /// A gRPC health check of a service; the empty name is the whole server.
    Grpc { host: Host, tls: bool, service: String },
    /// A file that exists.
    File(PathBuf),
    /// A shell command that succeeds, in this folder if any is named.
    Exec { command: String, folder: Option<PathBuf> },
    /// A process that runs.
    Process(u32),
    /// Ports that nobody holds.
    PortFree(PortSpec),
}

/// Where a target listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a port, of every address that the host has.
    Host(Host),
    /// On a Unix socket.
    Socket(PathBuf),
}
