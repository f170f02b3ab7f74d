//! The kernel's socket table as text: `/proc/net/{tcp,tcp6,udp,udp6}`, proc_pid_net(5).

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustix::net::AddressFamily;

use super::state::state;
use crate::{port::Protocol, socket::Socket};

/// Lists all sockets of one protocol and family in the network namespace of a process, which is a PID or `thread-self`. A
/// kernel without IPv6 has no table for it: no sockets.
pub(super) fn sockets(of: &str, protocol: Protocol, family: AddressFamily) -> io::Result<Vec<Socket>> {
    let v6 = family == AddressFamily::INET6;
    let text = match fs::read_to_string(format!("/proc/{of}/net/{protocol}{}", if v6 { "6" } else { "" })) {
        Err(error) if v6 && error.kind() == io::ErrorKind::NotFound && fs::exists(format!("/proc/{of}/net/tcp"))? => {
            return Ok(Vec::new());
        }
        text => text?,
    };
    text.lines().skip(1).map(|line| parse(line, protocol)).filter_map(Result::transpose).collect()
}

/// Reads one line; `None` for a state without a name.
fn parse(line: &str, protocol: Protocol) -> io::Result<Option<Socket>> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "a line has an unknown form");
    let (local, peer, number, uid, inode) = fields(line).ok_or_else(malformed)?;
    Ok(state(protocol, number).map(|state| Socket {
        protocol,
        local,
        peer: (!state.is_holding() && peer.port() != 0).then_some(peer),
        state,
        inode,
        // what no process has open reads as root's
        uid: (inode != 0).then_some(uid),
        v6only: None,
        netns: None,
    }))
}

fn fields(line: &str) -> Option<(SocketAddr, SocketAddr, u8, u32, u64)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let number = u8::from_str_radix(fields.get(3)?, 16).ok()?;
    Some((
        address(fields.get(1)?)?,
        address(fields.get(2)?)?,
        number,
        fields.get(7)?.parse().ok()?,
        fields.get(9)?.parse().ok()?,
    ))
}

/// Addresses are words in the machine's byte order, in hexadecimal; the port is not swapped.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    let address: IpAddr = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::State;

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_each_family_is_read() {
        let line = "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 24680 1 0 100 0 0 10 0";
        let socket = parse(line, Protocol::Tcp).ok().flatten().expect("the line is good");
        assert_eq!(
            (socket.local.to_string().as_str(), socket.state, socket.inode, socket.uid),
            ("127.0.0.1:8000", State::Listen, 24680, Some(1000))
        );
        let line = "  1: 00000000000000000000000001000000:1F41 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2 0 0";
        let socket = parse(line, Protocol::Udp).ok().flatten().expect("the line is good");
        assert_eq!((socket.local.to_string().as_str(), socket.state), ("[::1]:8001", State::Bound));
        assert!(parse("nonsense", Protocol::Tcp).is_err());
    }
}
