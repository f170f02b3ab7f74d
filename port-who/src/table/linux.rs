//! Linux: `sock_diag(7)` with the filter in the kernel, else `/proc/net/{tcp,udp}{,6}` in full.

mod bytecode;
mod netlink;
mod proc_net;
mod sock_diag;
mod state;

use std::io;

use rustix::net::AddressFamily;

use crate::{
    port::Protocol,
    query::Query,
    socket::{Socket, in_order},
};

pub(super) fn sockets(query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    let mut found: Vec<Socket> = Vec::new();
    for (wanted, family) in [(query.ipv4, AddressFamily::INET), (query.ipv6, AddressFamily::INET6)] {
        if wanted {
            found.extend(match sock_diag::sockets(query, protocol, family) {
                Err(refused) if refused.raw_os_error().is_some() => as_text(query, protocol, family, refused)?,
                answer => answer?,
            });
        }
    }
    Ok(found)
}

/// Counts the processes whose sockets are not listed: the kernel lists everybody's.
#[expect(clippy::unnecessary_wraps, reason = "on other platforms this takes a look at all processes")]
pub(super) fn unseen() -> io::Result<usize> {
    Ok(0)
}

/// A strict seccomp profile or a kernel without the module refuses; the text tables say the same, slower.
///
/// The kernel writes them page by page, and sockets that come and go in between make others appear twice or not at all:
/// only what reads the same twice is believed.
fn as_text(query: &Query, protocol: Protocol, family: AddressFamily, refused: io::Error) -> io::Result<Vec<Socket>> {
    let mut last = None;
    let read = netlink::settled(|| {
        let mut now: Vec<Socket> = proc_net::sockets(protocol, family)?;
        now.retain(|socket| query.wants(socket));
        let now = in_order(now);
        let settled = last.as_ref() == Some(&now);
        last = Some(now.clone());
        Ok(settled.then_some(now))
    });
    read.map_err(|error| if error.kind() == io::ErrorKind::NotFound { refused } else { error })
}
