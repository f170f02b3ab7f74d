//! Linux: `sock_diag(7)` with the filter in the kernel, else `/proc/net/{tcp,udp}{,6}` in full.

mod filter;
mod netlink;
mod proc_net;
mod sock_diag;

use std::io;

use rustix::net::AddressFamily;

use super::{Query, Socket, State};
use crate::Protocol;

/// Linux numbers the states of TCP from 1 (net/tcp_states.h); an unconnected UDP socket reads as closed.
fn state(protocol: Protocol, number: u8) -> Option<State> {
    Some(match (protocol, number) {
        (Protocol::Tcp, 10) => State::Listen,
        (Protocol::Udp, 7) => State::Bound,
        (_, 1) => State::Established,
        (Protocol::Udp, _) => return None,
        (_, 2) => State::SynSent,
        (_, 3 | 12) => State::SynRecv,
        (_, 4) => State::FinWait1,
        (_, 5) => State::FinWait2,
        (_, 6) => State::TimeWait,
        (_, 7) => State::Close,
        (_, 8) => State::CloseWait,
        (_, 9) => State::LastAck,
        (_, 11) => State::Closing,
        _ => return None,
    })
}

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
        now.sort_by_key(Socket::position);
        now.dedup();
        let settled = last.as_ref() == Some(&now);
        last = Some(now.clone());
        Ok(settled.then_some(now))
    });
    read.map_err(|error| if error.kind() == io::ErrorKind::NotFound { refused } else { error })
}
