//! The kernel's table of sockets: which exist, in which state, on which ports.
//!
//! One façade: Linux asks the kernel with a filter (`sock_diag(7)`), or reads `/proc/net` where that is refused; macOS looks
//! through the descriptors of all processes, type-checked and never run.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
pub(crate) mod macos;
mod occupants;

use std::io;

#[cfg(target_os = "linux")]
use self::linux as platform;
#[cfg(target_os = "macos")]
use self::macos as platform;
use crate::{
    namespace,
    port::Protocol,
    query::Query,
    socket::{Socket, in_order},
};

/// The socket table could not be read: it is not known who holds what.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SocketTableError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("cannot read the {0} socket table")]
    Table(Protocol, #[source] io::Error),
    /// They could not be found, or none may be entered.
    #[error("cannot look into other network namespaces")]
    Namespaces(#[source] io::Error),
    #[error("cannot enter network namespace {0}")]
    Namespace(u64, #[source] io::Error),
}

impl SocketTableError {
    /// Tells whether the caller may not look into other network namespaces, as root might.
    pub(crate) fn is_namespace_denied(&self) -> bool {
        match &self.0 {
            Cause::Table(..) => false,
            Cause::Namespaces(source) | Cause::Namespace(_, source) => source.kind() == io::ErrorKind::PermissionDenied,
        }
    }
}

/// The sockets that a query asks for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In order.
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

/// Finds the sockets, and counts the processes that may have more of them.
pub(crate) fn find(query: &Query) -> Result<Found, SocketTableError> {
    let mut sockets = in_own_namespace(query)?;
    let mut hidden = 0;
    if query.all_netns {
        let others = namespace::others().map_err(Cause::Namespaces)?;
        for namespace in &others.namespaces {
            let within = namespace.within(|| in_own_namespace(query));
            sockets.extend(within.map_err(|source| Cause::Namespace(namespace.inode(), source))??);
        }
        hidden = others.hidden;
    }
    if sockets.is_empty() {
        hidden += platform::unseen().map_err(|source| Cause::Table(Protocol::Tcp, source))?;
    }
    Ok(Found { sockets: in_order(sockets), hidden })
}

/// Lists the sockets in the network namespace of a process, which may be another one, in order.
///
/// # Errors
/// As [`sockets`], and when the process has ended.
pub(crate) fn sockets_beside(pid: u32, query: &Query) -> Result<Vec<Socket>, SocketTableError> {
    let mut found = Vec::new();
    for protocol in query.protocols() {
        let table = platform::sockets_beside(pid, query, protocol);
        found.extend(table.map_err(|source| Cause::Table(protocol, source))?);
    }
    let netns = namespace::of(pid);
    for socket in &mut found {
        socket.netns = netns;
    }
    Ok(in_order(found))
}

/// The sockets whose own end is on a query's ports.
#[derive(Debug, Default)]
pub(crate) struct Occupants {
    pub(crate) sockets: Vec<Socket>,
    /// The protocols of which those are among them that were bound and never used.
    pub(crate) whole: Vec<Protocol>,
}

/// Lists the sockets of the caller's network namespace whose own end is on one of the query's ports, in whatever state, on
/// whatever address and of either family.
///
/// # Errors
/// When the kernel does not give its table.
pub(crate) fn occupants(query: &Query) -> Result<Occupants, SocketTableError> {
    let mut occupants = Occupants::default();
    for protocol in query.protocols() {
        let found = platform::occupants(query, protocol).map_err(|source| Cause::Table(protocol, source))?;
        occupants.sockets.extend(found.sockets);
        occupants.whole.extend(found.is_whole.then_some(protocol));
    }
    occupants.sockets = in_order(occupants.sockets);
    Ok(occupants)
}

fn in_own_namespace(query: &Query) -> Result<Vec<Socket>, Cause> {
    let mut found = Vec::new();
    for protocol in query.protocols() {
        let table = platform::sockets(query, protocol).map_err(|source| Cause::Table(protocol, source))?;
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
