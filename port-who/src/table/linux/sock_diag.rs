//! The kernel's socket table through netlink: sock_diag(7), `linux/inet_diag.h`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
};

use rustix::{
    io::retry_on_intr,
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with},
};

use super::{
    bytecode::bytecode,
    netlink::{HEADER, attribute, number, read_dump, settled},
    state::state,
};
use crate::{
    port::{PortSpec, Protocol},
    query::Query,
    socket::Socket,
};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// The request of before `SOCK_DIAG_BY_FAMILY`, which knows TCP alone and lists both families in one pass.
const TCPDIAG_GETSOCK: u16 = 18;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;
const INET_DIAG_REQ_BYTECODE: u16 = 1;
const INET_DIAG_SKV6ONLY: u16 = 11;

/// `struct inet_diag_sockid` and `struct inet_diag_msg`.
const SOCKET_ID: usize = 48;
const MESSAGE: usize = 72;

const LISTEN: u32 = 1 << 10;
const UNCONNECTED: u32 = 1 << 7;
/// Also sockets that are still opening for a client (`TCP_NEW_SYN_RECV`, 12).
const ALL_STATES: u32 = 0x1fff;
/// Bound, and neither listening nor connected (`TCP_BOUND_INACTIVE`, 13); they say of themselves that they are closed.
const BOUND_INACTIVE: u32 = 1 << 13;

/// Which of the sockets on the ports are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that serve them.
    Serving,
    /// Those with either end on them, in whatever state.
    EitherEnd,
    /// Those with their own end on them, in whatever state.
    OwnEnd,
}

impl Reach {
    /// Returns how far a query for holders or connections reaches.
    pub(super) fn of(query: &Query) -> Self {
        if query.connections { Self::EitherEnd } else { Self::Serving }
    }
}

/// Whose sockets are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Those of TCP, of both families.
    Tcp,
    /// Those of one protocol and family.
    One(Protocol, AddressFamily),
}

impl Asked {
    fn protocol(self) -> Protocol {
        match self {
            Self::Tcp => Protocol::Tcp,
            Self::One(protocol, _) => protocol,
        }
    }

    /// Returns the type of the request, which is that of the answers too.
    fn kind(self) -> u16 {
        match self {
            Self::Tcp => TCPDIAG_GETSOCK,
            Self::One(..) => SOCK_DIAG_BY_FAMILY,
        }
    }
}

/// Lists the sockets that are asked for. What the kernel cannot filter (addresses) is left to the caller.
///
/// # Errors
/// One with an OS error where the kernel refuses to answer, another where its answer cannot be trusted.
pub(super) fn sockets(query: &Query, asked: Asked, reach: Reach) -> io::Result<Vec<Socket>> {
    let request = request(query, asked, reach);
    settled(|| {
        let netlink =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
        send(&netlink, &request, SendFlags::empty())?;
        read(asked, |buffer| receive(&netlink, buffer))
    })
}

/// With `MSG_TRUNC` the kernel tells the datagram's length, also where the buffer is shorter.
fn receive(netlink: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (_, length) = retry_on_intr(|| recv(netlink, &mut *buffer, RecvFlags::TRUNC))?;
    Ok(length)
}

fn read(asked: Asked, receive: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<Option<Vec<Socket>>> {
    let mut found = Vec::new();
    let consistent = read_dump(asked.kind(), receive, |message| {
        found.extend(parse(message, asked.protocol())?);
        Ok(())
    })?;
    Ok(consistent.then_some(found))
}

fn request(query: &Query, asked: Asked, reach: Reach) -> Vec<u8> {
    let protocol = asked.protocol();
    let states = match (reach, protocol) {
        (Reach::EitherEnd, _) => ALL_STATES,
        (Reach::OwnEnd, _) => ALL_STATES | BOUND_INACTIVE,
        (Reach::Serving, Protocol::Tcp) => LISTEN,
        (Reach::Serving, Protocol::Udp) => UNCONNECTED,
    };
    let either_end = reach == Reach::EitherEnd;
    let ranges: Vec<(u16, u16)> = query
        .ports
        .iter()
        .filter(|spec| spec.protocol().is_none_or(|named| named == protocol))
        .flat_map(PortSpec::ranges)
        .copied()
        .collect();
    // a single port needs no program
    let (single, filter) = match ranges.as_slice() {
        [(low, high)] if low == high && !either_end => (*low, Vec::new()),
        ranges => (0, bytecode(ranges, either_end)),
    };
    let mut socket_id = [0; SOCKET_ID]; // but for the port: any
    socket_id[..2].copy_from_slice(&single.to_be_bytes());
    let mut request = vec![0; HEADER];
    match asked {
        // `struct inet_diag_req`
        Asked::Tcp => {
            request.extend([0; 4]);
            request.extend(socket_id);
            request.extend(states.to_ne_bytes());
            request.extend([0; 4]);
        }
        // `struct inet_diag_req_v2`
        Asked::One(_, family) => {
            request.extend([u8::try_from(family.as_raw()).unwrap_or(0), protocol_number(protocol), 0, 0]);
            request.extend(states.to_ne_bytes());
            request.extend(socket_id);
        }
    }
    if !filter.is_empty() {
        let attribute = 4 + filter.len();
        request.extend(u16::try_from(attribute).unwrap_or(u16::MAX).to_ne_bytes());
        request.extend(INET_DIAG_REQ_BYTECODE.to_ne_bytes());
        request.extend(filter);
    }
    // sequence and port ID are 0: one request at a time
    let length = u32::try_from(request.len()).unwrap_or(u32::MAX);
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&asked.kind().to_ne_bytes());
    request[6..8].copy_from_slice(&(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    request
}

fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

/// Reads a `struct inet_diag_msg`; `None` for a state without a name, which is no holder.
fn parse(message: &[u8], protocol: Protocol) -> io::Result<Option<Socket>> {
    let cut = || io::Error::new(io::ErrorKind::InvalidData, "a socket's description is cut");
    let (fixed, attributes) = message.split_at_checked(MESSAGE).ok_or_else(cut)?;
    let Some(state) = state(protocol, fixed[1]) else { return Ok(None) };
    let v6 = i32::from(fixed[0]) == i32::from(AddressFamily::INET6.as_raw());
    let address = |at: usize, port: usize| {
        SocketAddr::new(address(&fixed[at..at + 16], v6), u16::from_be_bytes([fixed[port], fixed[port + 1]]))
    };
    let (local, peer) = (address(8, 4), address(24, 6));
    let inode = number(fixed, 68);
    Ok(Some(Socket {
        protocol,
        local,
        peer: (!state.is_holding() && peer.port() != 0).then_some(peer),
        state,
        // what no process has open reads as root's
        uid: (inode != 0).then_some(number(fixed, 64)),
        inode: inode.into(),
        v6only: attribute(attributes, INET_DIAG_SKV6ONLY).and_then(|value| Some(*value.first()? != 0)),
        netns: None,
    }))
}

fn address(bytes: &[u8], v6: bool) -> IpAddr {
    match (bytes.first_chunk::<16>(), bytes.first_chunk::<4>()) {
        (Some(bytes), _) if v6 => Ipv6Addr::from(*bytes).into(),
        (_, Some(bytes)) => Ipv4Addr::from(*bytes).into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{ProptestConfig, any},
        proptest,
        sample::Index,
    };

    use super::*;
    use crate::socket::State;

    /// A listener on 127.0.0.1:8000 as the kernel describes it.
    fn description() -> [u8; MESSAGE] {
        let mut bytes = [0; MESSAGE];
        bytes[..2].copy_from_slice(&[2, 10]);
        bytes[4..6].copy_from_slice(&8000_u16.to_be_bytes());
        bytes[8..12].copy_from_slice(&[127, 0, 0, 1]);
        bytes[64..68].copy_from_slice(&1000_u32.to_ne_bytes());
        bytes[68..72].copy_from_slice(&24_680_u32.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_description_is_read_and_a_cut_one_is_an_error() {
        let socket = parse(&description(), Protocol::Tcp).expect("it is whole").expect("a listener is a holder");
        let expected = Socket { inode: 24_680, uid: Some(1000), ..Socket::example() };
        assert_eq!((socket.state, &socket), (State::Listen, &expected));
        assert!(parse(&description()[..MESSAGE - 1], Protocol::Tcp).is_err());
    }

    /// One message as a dump has it.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).expect("a short body");
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    }

    /// Reads a dump that comes in one datagram, after which there is no other.
    fn dump(datagram: &[u8]) -> io::Result<Option<Vec<Socket>>> {
        let mut left = Some(datagram);
        read(Asked::One(Protocol::Tcp, AddressFamily::INET), |buffer| {
            let datagram = left.take().unwrap_or_default();
            buffer[..datagram.len()].copy_from_slice(datagram);
            Ok(datagram.len())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn a_dump_is_read_whole_or_is_an_error(
            attributes in vec(any::<u8>(), 0..24),
            changes in vec(any::<(Index, u8)>(), 0..3),
            cut in any::<Index>(),
        ) {
            const DONE: u16 = 3;
            let mut body = description().to_vec();
            body.extend([5, 0, 99, 0, 1, 0, 0, 0]);
            let listener = message(SOCK_DIAG_BY_FAMILY, &body);
            let whole = [listener.clone(), listener, message(DONE, &[0; 4])].concat();
            let found = dump(&whole).expect("it is whole").expect("nothing changed meanwhile");
            assert_eq!(found.len(), 2);
            assert!(dump(&whole[..cut.index(whole.len())]).is_err());
            // what the kernel would not say: no panic, and no socket more than there is room for
            body.extend(attributes);
            let mut other = [message(SOCK_DIAG_BY_FAMILY, &body), whole].concat();
            for (at, byte) in changes {
                let at = at.index(other.len());
                other[at] = byte;
            }
            let _ = dump(&other).map(|found| assert!(found.is_none_or(|found| found.len() <= other.len() / MESSAGE)));
        }
    }

    #[test]
    fn an_ipv6_socket_says_whether_it_takes_ipv4_too() {
        let mut bytes = description().to_vec();
        bytes[0] = 10;
        bytes[8..24].fill(0);
        bytes.extend([5, 0, 11, 0, 1, 0, 0, 0]);
        let socket = parse(&bytes, Protocol::Tcp).expect("it is whole").expect("a listener is a holder");
        assert_eq!((socket.local.to_string().as_str(), socket.v6only), ("[::]:8000", Some(true)));
    }

    #[test]
    fn the_kernel_is_asked_for_one_port_or_for_ranges_and_for_listeners_alone() {
        let ask_for = |ports: &str, asked| {
            let query = Query::holders_of(vec![ports.parse().expect("ports")]);
            request(&query, asked, Reach::of(&query))
        };
        let ask = |ports| ask_for(ports, Asked::One(Protocol::Tcp, AddressFamily::INET));
        let one = ask("8000");
        assert_eq!(
            (one.len(), &one[20..24], &one[24..26]),
            (72, &LISTEN.to_ne_bytes()[..], &8000_u16.to_be_bytes()[..])
        );
        let range = ask("8000-8099");
        assert_eq!((range.len(), &range[24..26]), (72 + 4 + 20, &[0, 0][..]));
        assert_eq!(number(&range, 0) as usize, range.len());
        let both = ask_for("8000", Asked::Tcp);
        assert_eq!((both.len(), &both[4..6]), (76, &TCPDIAG_GETSOCK.to_ne_bytes()[..]));
        assert_eq!((&both[20..22], &both[68..72]), (&8000_u16.to_be_bytes()[..], &LISTEN.to_ne_bytes()[..]));
        assert_eq!(ask_for("8000-8099", Asked::Tcp).len(), 76 + 4 + 20);
    }
}
