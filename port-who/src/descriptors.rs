//! macOS: every socket that a process has open, through libproc (`sys/proc_info.h`). Type-checked from Linux, never run.
//!
//! There is no public table of sockets: what belongs to processes of other users is seen by root only.

use std::{
    ffi::{c_int, c_short, c_ushort, c_void},
    io, mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use proc_tree::process;

use crate::{Protocol, Socket, State};

const PROC_PIDFDSOCKETINFO: c_int = 3;
const SOCKINFO_IN: c_int = 1;
const SOCKINFO_TCP: c_int = 2;
const INI_IPV4: u8 = 1;
const INI_IPV6: u8 = 2;

/// The kernel asks for room for all kinds of sockets; that of UNIX sockets is the largest, and below this.
const ROOM: usize = 2048;

/// `struct socket_fdinfo` up to the state of a TCP socket.
#[repr(C)]
struct SocketInfo {
    file: [u64; 3],
    stat: libc::vinfo_stat,
    so: u64,
    pcb: u64,
    kind_of_socket: c_int,
    protocol: c_int,
    family: c_int,
    shorts: [c_short; 7],
    error: c_ushort,
    out_of_band: u32,
    receive_and_send: [[u32; 6]; 2],
    kind: c_int,
    reserved: u32,
    internet: InternetInfo,
    tcp_state: c_int,
}

/// `struct in_sockinfo`.
#[repr(C)]
struct InternetInfo {
    foreign_port: c_int,
    local_port: c_int,
    generation: u64,
    flags: u32,
    flow: u32,
    versions: u8,
    time_to_live: u8,
    reserved: u32,
    foreign: [u8; 16],
    local: [u8; 16],
    type_of_service: u8,
    version_6: Version6,
}

/// The part that IPv6 has.
#[repr(C)]
struct Version6 {
    hop_limit: u8,
    checksum: c_int,
    interface: c_ushort,
    hops: c_short,
}

// as C lays them out: the whole `struct socket_fdinfo` is 792 bytes
const _: () = assert!(mem::offset_of!(SocketInfo, internet) == 264 && mem::offset_of!(SocketInfo, tcp_state) == 344);

/// What all processes have open.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Each socket as often as a process has it open.
    pub(crate) open: Vec<(u32, Socket)>,
    /// How many processes could not be looked into.
    pub(crate) unreadable: usize,
}

/// Reads the descriptors of all processes.
///
/// # Errors
/// When the processes cannot be listed.
pub(crate) fn scan() -> io::Result<Scan> {
    let mut scan = Scan::default();
    for pid in process::all()? {
        match of(pid) {
            Ok(sockets) => scan.open.extend(sockets.into_iter().map(|socket| (pid, socket))),
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(_) => scan.unreadable += 1,
        }
    }
    Ok(scan)
}

/// Reads the sockets of one process.
///
/// # Errors
/// When it may not be looked into, or is gone (`ESRCH`).
pub(crate) fn of(pid: u32) -> io::Result<Vec<Socket>> {
    let pid = c_int::try_from(pid).map_err(io::Error::other)?;
    let sockets = list(pid)?
        .into_iter()
        .filter(|descriptor| i64::from(descriptor.proc_fdtype) == i64::from(libc::PROX_FDTYPE_SOCKET));
    Ok(sockets.filter_map(|descriptor| describe(pid, descriptor.proc_fd)?.socket()).collect())
}

/// Grows the buffer until the answer leaves room: a process may open more between two calls.
fn list(pid: c_int) -> io::Result<Vec<libc::proc_fdinfo>> {
    let mut room = 256;
    loop {
        let mut descriptors: Vec<libc::proc_fdinfo> = Vec::with_capacity(room);
        let bytes = c_int::try_from(room * size_of::<libc::proc_fdinfo>()).map_err(io::Error::other)?;
        let buffer = descriptors.as_mut_ptr().cast::<c_void>();
        // SAFETY: the buffer is `bytes` bytes long.
        let filled = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, buffer, bytes) };
        if filled <= 0 {
            // a process that has nothing open answers 0 without an error
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(0) { Ok(Vec::new()) } else { Err(error) };
        }
        let count = usize::try_from(filled).map_err(io::Error::other)? / size_of::<libc::proc_fdinfo>();
        if count < room {
            // SAFETY: the kernel filled so many, and they are plain integers.
            unsafe { descriptors.set_len(count) };
            return Ok(descriptors);
        }
        room *= 2;
    }
}

/// Describes one descriptor; `None` for one that was closed meanwhile: then the answer is 0 or less and nothing was filled.
fn describe(pid: c_int, descriptor: c_int) -> Option<SocketInfo> {
    #[repr(C, align(8))]
    struct Buffer([u8; ROOM]);
    let mut buffer = Buffer([0; ROOM]);
    let room = c_int::try_from(ROOM).ok()?;
    let into = buffer.0.as_mut_ptr().cast::<c_void>();
    // SAFETY: the buffer is `room` bytes long.
    let filled = unsafe { libc::proc_pidfdinfo(pid, descriptor, PROC_PIDFDSOCKETINFO, into, room) };
    if usize::try_from(filled).ok()? < size_of::<SocketInfo>() {
        return None;
    }
    // SAFETY: the kernel filled at least as much as is read, and it is plain integers, of any value.
    Some(unsafe { mem::transmute_copy(&buffer) })
}

impl SocketInfo {
    /// Reads a TCP or UDP socket that is bound; `None` for any other.
    fn socket(&self) -> Option<Socket> {
        let internet = &self.internet;
        let (local, peer) = (
            self.address(&internet.local, internet.local_port)?,
            self.address(&internet.foreign, internet.foreign_port)?,
        );
        let (protocol, state) = match (self.kind, self.protocol) {
            (SOCKINFO_TCP, _) => (Protocol::Tcp, tcp_state(self.tcp_state)?),
            (SOCKINFO_IN, libc::IPPROTO_UDP) if peer.port() == 0 => (Protocol::Udp, State::Bound),
            (SOCKINFO_IN, libc::IPPROTO_UDP) => (Protocol::Udp, State::Established),
            _ => return None,
        };
        (local.port() != 0).then_some(Socket {
            protocol,
            local,
            peer: (!state.is_holding() && peer.port() != 0).then_some(peer),
            state,
            inode: self.so,
            uid: None,
            v6only: local.is_ipv6().then_some(internet.versions & INI_IPV4 == 0),
            netns: None,
        })
    }

    /// An IPv6 socket that talks IPv4 keeps its address as one: which it is, `insi_vflag` says, not the family.
    fn address(&self, bytes: &[u8; 16], port: c_int) -> Option<SocketAddr> {
        let v6 = self.family == libc::AF_INET6 && self.internet.versions & INI_IPV6 != 0;
        let address: IpAddr = match bytes.last_chunk::<4>() {
            _ if v6 => Ipv6Addr::from(*bytes).into(),
            Some(last) => Ipv4Addr::from(*last).into(),
            None => return None,
        };
        // a port is 16 bits in network order, widened
        Some(SocketAddr::new(address, u16::from_be(u16::try_from(port & 0xffff).ok()?)))
    }
}

/// `TSI_S_*` of `sys/proc_info.h`.
fn tcp_state(number: c_int) -> Option<State> {
    Some(match number {
        0 => State::Close,
        1 => State::Listen,
        2 => State::SynSent,
        3 => State::SynRecv,
        4 => State::Established,
        5 => State::CloseWait,
        6 => State::FinWait1,
        7 => State::Closing,
        8 => State::LastAck,
        9 => State::FinWait2,
        10 => State::TimeWait,
        _ => return None,
    })
}
