//! macOS: the sockets that processes have open. Type-checked from Linux, never run.

use std::{collections::HashSet, io};

use super::{Query, Socket};
use crate::{Protocol, descriptors};

pub(super) fn sockets(query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    let open = descriptors::scan()?.open.into_iter().map(|(_, socket)| socket);
    let found: HashSet<Socket> = open.filter(|socket| socket.protocol == protocol && query.wants(socket)).collect();
    Ok(found.into_iter().collect())
}

/// Counts the processes whose sockets are not listed.
pub(super) fn unseen() -> io::Result<usize> {
    Ok(descriptors::scan()?.unreadable)
}
