//! The kernel's socket table through netlink: sock_diag(7), `linux/inet_diag.h`.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

use super::{Query, Socket, state};
use crate::{PortSpec, Protocol};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const INET_DIAG_REQ_BYTECODE: u16 = 1;
const INET_DIAG_SKV6ONLY: u16 = 11;

const HEADER: usize = 16;
const REQUEST: usize = 56;
const MESSAGE: usize = 72;

const LISTEN: u32 = 1 << 10;
const UNCONNECTED: u32 = 1 << 7;
const ALL_STATES: u32 = 0xfff;

/// The kernel fills at most this much at once.
const BUFFER: usize = 32 * 1024;

/// A table that changed while it was dumped is read again, this often.
const ATTEMPTS: usize = 10;

/// Lists the sockets of one protocol and family. What the kernel cannot filter (addresses) is left to the caller.
pub(super) fn sockets(query: &Query, protocol: Protocol, family: AddressFamily) -> io::Result<Vec<Socket>> {
    let request = request(query, protocol, family);
    for _ in 0..ATTEMPTS {
        if let Some(found) = dump(&request, protocol)? {
            return Ok(found);
        }
    }
    Err(io::Error::other("the table changed each time it was read"))
}

fn request(query: &Query, protocol: Protocol, family: AddressFamily) -> Vec<u8> {
    let states = match (query.connections, protocol) {
        (true, _) => ALL_STATES,
        (false, Protocol::Tcp) => LISTEN,
        (false, Protocol::Udp) => UNCONNECTED,
    };
    let ranges: Vec<(u16, u16)> = query
        .ports
        .iter()
        .filter(|spec| spec.protocol().is_none_or(|named| named == protocol))
        .flat_map(PortSpec::ranges)
        .copied()
        .collect();
    let (single, filter) = match ranges.as_slice() {
        [(low, high)] if low == high && !query.connections => (*low, Vec::new()),
        ranges => (0, bytecode(ranges, query.connections)),
    };
    let attribute = if filter.is_empty() { 0 } else { 4 + filter.len() };
    let length = HEADER + REQUEST + attribute;
    let mut request = Vec::with_capacity(length);
    request.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    request.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    request.extend([0; 8]); // sequence and port ID: one request at a time
    request.extend([u8::try_from(family.as_raw()).unwrap_or(0), protocol_number(protocol), 0, 0]);
    request.extend(states.to_ne_bytes());
    request.extend(single.to_be_bytes());
    request.extend([0; 46]); // the rest of the socket ID: any
    if !filter.is_empty() {
        request.extend(u16::try_from(attribute).unwrap_or(u16::MAX).to_ne_bytes());
        request.extend(INET_DIAG_REQ_BYTECODE.to_ne_bytes());
        request.extend(filter);
    }
    request
}

fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
    }
}

/// One comparison costs two words of 4 bytes: code, jump if so, jump if not; then the port.
const SOURCE_AT_LEAST: u8 = 2;
const SOURCE_AT_MOST: u8 = 3;
const DESTINATION_AT_LEAST: u8 = 4;
const DESTINATION_AT_MOST: u8 = 5;
const JUMP: u8 = 1;
/// Both comparisons of a range and the jump to the end behind them.
const BLOCK: u16 = 20;

/// Jumps are 16 bits wide; more ranges than fit are filtered by the caller alone.
const MOST_BLOCKS: usize = 3000;

/// Writes "in this range, or in that one, …" in the kernel's filter language (`INET_DIAG_REQ_BYTECODE`).
///
/// The kernel accepts a socket when the program ends exactly at its end, and refuses it when a jump leads 4 bytes further.
fn bytecode(ranges: &[(u16, u16)], either_end: bool) -> Vec<u8> {
    let source = ranges.iter().map(|&range| (SOURCE_AT_LEAST, SOURCE_AT_MOST, range));
    let destination = ranges.iter().map(|&range| (DESTINATION_AT_LEAST, DESTINATION_AT_MOST, range));
    let blocks: Vec<_> = source.chain(destination.filter(|_| either_end)).collect();
    if blocks.len() > MOST_BLOCKS {
        return Vec::new();
    }
    let mut program = Vec::with_capacity(blocks.len() * usize::from(BLOCK));
    let mut left = u16::try_from(blocks.len()).unwrap_or(0) * BLOCK;
    let mut operation = |code: u8, yes: u8, no: u16| {
        program.extend([code, yes]);
        program.extend(no.to_ne_bytes());
    };
    for (at_least, at_most, (low, high)) in blocks {
        let last = left == BLOCK;
        let beyond = if last { BLOCK + 4 } else { BLOCK };
        operation(at_least, 8, beyond);
        operation(0, 0, low);
        operation(at_most, 8, beyond - 8);
        operation(0, 0, high);
        operation(JUMP, 4, left - (BLOCK - 4));
        left -= BLOCK;
    }
    program
}

/// Reads one dump to its end; `None` when the table changed meanwhile.
fn dump(request: &[u8], protocol: Protocol) -> io::Result<Option<Vec<Socket>>> {
    let netlink = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    send(&netlink, request, SendFlags::empty())?;
    let mut found = Vec::new();
    let mut interrupted = false;
    let mut buffer = vec![0; BUFFER];
    loop {
        let (_, length) = match recv(&netlink, &mut *buffer, RecvFlags::TRUNC) {
            Err(rustix::io::Errno::INTR) => continue,
            received => received?,
        };
        let mut rest = buffer.get(..length).ok_or_else(|| io::Error::other("a message was cut"))?;
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let Some((header, message)) = split_message(&mut rest)? {
            interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
            match header.kind {
                NLMSG_DONE => return Ok((!interrupted).then_some(found)),
                NLMSG_ERROR => return Err(error(message)),
                _ => found.extend(parse(message, protocol)?),
            }
        }
    }
}

struct Header {
    kind: u16,
    flags: u16,
}

/// Takes the next message off `rest`.
fn split_message<'b>(rest: &mut &'b [u8]) -> io::Result<Option<(Header, &'b [u8])>> {
    if rest.is_empty() {
        return Ok(None);
    }
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    let header = rest.get(..HEADER).ok_or_else(malformed)?;
    let length = number(header, 0) as usize;
    let message = rest.get(HEADER..length).ok_or_else(malformed)?;
    let header = Header { kind: short(header, 4), flags: short(header, 6) };
    *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok(Some((header, message)))
}

/// An error message carries the negative error number.
fn error(message: &[u8]) -> io::Error {
    let number = message.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    io::Error::from_raw_os_error(-number)
}

/// Reads a `struct inet_diag_msg`; `None` for a state without a name, which is no holder.
fn parse(message: &[u8], protocol: Protocol) -> io::Result<Option<Socket>> {
    let fixed = message.get(..MESSAGE).ok_or(io::ErrorKind::InvalidData)?;
    let Some(state) = state(protocol, fixed[1]) else { return Ok(None) };
    let v6 = i32::from(fixed[0]) == i32::from(AddressFamily::INET6.as_raw());
    let address = |at: usize, port: usize| {
        SocketAddr::new(address(&fixed[at..at + 16], v6), u16::from_be_bytes([fixed[port], fixed[port + 1]]))
    };
    let (local, peer) = (address(8, 4), address(24, 6));
    Ok(Some(Socket {
        protocol,
        local,
        peer: (!state.is_holding() && peer.port() != 0).then_some(peer),
        state,
        uid: Some(number(fixed, 64)),
        inode: number(fixed, 68).into(),
        v6only: attribute(&message[MESSAGE..], INET_DIAG_SKV6ONLY).and_then(|value| Some(*value.first()? != 0)),
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

/// Finds an attribute (`struct rtattr`: length, type, value, padded to 4 bytes).
fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    while rest.len() >= 4 {
        let length = usize::from(short(rest, 0)).max(4);
        if short(rest, 2) == wanted {
            return rest.get(4..length);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_ne_bytes(*chunk))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u16::from_ne_bytes(*chunk))
}
