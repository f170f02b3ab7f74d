//! Linux: `sock_diag(7)` with the filter in the kernel, else `/proc/net/{tcp,udp}{,6}` in full.

mod bytecode;
mod netlink;
mod proc_net;
mod sock_diag;
mod state;

use std::io;

use rustix::{net::AddressFamily, system::uname};

use self::sock_diag::{Asked, Reach};
use super::occupants::ProtocolOccupants;
use crate::{
    port::Protocol,
    query::Query,
    socket::{Socket, in_order},
};

pub(super) fn sockets(query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    listed(query, protocol, Reach::of(query), |socket| query.wants(socket)).map(|listed| listed.sockets)
}

/// What the kernel lists of one protocol.
struct Listed {
    sockets: Vec<Socket>,
    /// Whether the text tables had to do, which lack what was bound and never used.
    is_text: bool,
}

fn listed(query: &Query, protocol: Protocol, reach: Reach, is_wanted: impl Fn(&Socket) -> bool) -> io::Result<Listed> {
    let families = [(query.ipv4, AddressFamily::INET), (query.ipv6, AddressFamily::INET6)];
    let families =
        families.into_iter().filter(|&(wanted, _)| wanted || reach == Reach::OwnEnd).map(|(_, family)| family);
    if protocol == Protocol::Tcp && families.clone().count() == 2 {
        match sock_diag::sockets(query, Asked::Tcp, reach) {
            // each family by itself is asked for in another way
            Err(refused) if refused.raw_os_error().is_some() => {}
            answer => return Ok(Listed { sockets: answer?, is_text: false }),
        }
    }
    let mut listed = Listed { sockets: Vec::new(), is_text: false };
    for family in families {
        listed.sockets.extend(match sock_diag::sockets(query, Asked::One(protocol, family), reach) {
            Err(refused) if refused.raw_os_error().is_some() => {
                listed.is_text = true;
                as_text(OWN, protocol, family, &is_wanted).map_err(instead_of(refused))?
            }
            answer => answer?,
        });
    }
    Ok(listed)
}

/// Lists the sockets in the network namespace of a process: its table as text can be read without entering it.
pub(super) fn sockets_beside(pid: u32, query: &Query, protocol: Protocol) -> io::Result<Vec<Socket>> {
    let mut found = Vec::new();
    for (wanted, family) in [(query.ipv4, AddressFamily::INET), (query.ipv6, AddressFamily::INET6)] {
        if wanted {
            found.extend(as_text(&pid.to_string(), protocol, family, |socket| query.wants(socket))?);
        }
    }
    Ok(found)
}

/// Lists whatever is on the ports.
pub(super) fn occupants(query: &Query, protocol: Protocol) -> io::Result<ProtocolOccupants> {
    let Listed { mut sockets, is_text } =
        listed(query, protocol, Reach::OwnEnd, |socket| query.is_occupied_by(socket))?;
    sockets.retain(|socket| query.is_occupied_by(socket));
    let is_whole = protocol == Protocol::Udp || (lists_bound_sockets() && !is_text);
    Ok(ProtocolOccupants { sockets, is_whole })
}

/// From Linux 6.8 on, `sock_diag(7)` lists TCP sockets that were bound and neither listen nor are connected; earlier kernels
/// pass over the wish in silence.
fn lists_bound_sockets() -> bool {
    uname().release().to_str().is_ok_and(|release| version(release) >= Some((6, 8)))
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Counts the processes whose sockets are not listed: the kernel lists everybody's.
#[expect(clippy::unnecessary_wraps, reason = "on other platforms this takes a look at all processes")]
pub(super) fn unseen() -> io::Result<usize> {
    Ok(0)
}

/// The network namespace of the calling thread.
const OWN: &str = "thread-self";

/// A strict seccomp profile or a kernel without the module refuses; the text tables say the same, slower.
///
/// The kernel writes them page by page, and sockets that come and go in between make others appear twice or not at all:
/// only what reads the same twice is believed.
fn as_text(
    of: &str,
    protocol: Protocol,
    family: AddressFamily,
    is_wanted: impl Fn(&Socket) -> bool,
) -> io::Result<Vec<Socket>> {
    let mut last = None;
    netlink::settled(|| {
        let mut now: Vec<Socket> = proc_net::sockets(of, protocol, family)?;
        now.retain(|socket| is_wanted(socket));
        let now = in_order(now);
        let settled = last.as_ref() == Some(&now);
        last = Some(now.clone());
        Ok(settled.then_some(now))
    })
}

/// Where there is no text either, the first refusal is what counts.
fn instead_of(refused: io::Error) -> impl FnOnce(io::Error) -> io::Error {
    |error| if error.kind() == io::ErrorKind::NotFound { refused } else { error }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_kernels_release_begins_with_two_numbers() {
        for (release, expected) in [
            ("6.18.44-generic", Some((6, 18))),
            ("6.8.0", Some((6, 8))),
            ("5.15.167.4-microsoft-standard-WSL2", Some((5, 15))),
            ("6.8-rc1", Some((6, 8))),
            ("next", None),
            ("", None),
        ] {
            assert_eq!(version(release), expected, "{release}");
        }
    }
}
