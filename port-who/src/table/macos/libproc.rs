//! What the kernel tells of a descriptor: `proc_pidfdinfo`, `sys/proc_info.h`. Type-checked from Linux, never run.
//!
//! Called directly: a library that lists all processes' sockets (netstat2 0.11) tells no socket's identity and no other end
//! of UDP, leaves out silently the processes that it may not look into, and takes the 0 that libproc answers for a descriptor
//! that was closed meanwhile for an answer: the last socket, of another process perhaps, would be this one's.

use std::{
    ffi::{c_int, c_short, c_ushort, c_void},
    io, mem,
};

use nix::errno::Errno;

const PROC_PIDFDSOCKETINFO: c_int = 3;
pub(super) const SOCKINFO_IN: c_int = 1;
pub(super) const SOCKINFO_TCP: c_int = 2;
pub(super) const INI_IPV4: u8 = 1;
pub(super) const INI_IPV6: u8 = 2;

/// The kernel asks for room for all kinds of sockets; that of UNIX sockets is the largest, and below this.
const ROOM: usize = 2048;

/// `struct socket_fdinfo` up to the state of a TCP socket.
#[repr(C)]
pub(super) struct SocketInfo {
    file: [u64; 3],
    stat: libc::vinfo_stat,
    pub(super) so: u64,
    pcb: u64,
    kind_of_socket: c_int,
    pub(super) protocol: c_int,
    pub(super) family: c_int,
    shorts: [c_short; 7],
    error: c_ushort,
    out_of_band: u32,
    receive_and_send: [[u32; 6]; 2],
    pub(super) kind: c_int,
    reserved: u32,
    pub(super) internet: InternetInfo,
    pub(super) tcp_state: c_int,
}

/// `struct in_sockinfo`.
#[repr(C)]
pub(super) struct InternetInfo {
    pub(super) foreign_port: c_int,
    pub(super) local_port: c_int,
    generation: u64,
    flags: u32,
    flow: u32,
    pub(super) versions: u8,
    time_to_live: u8,
    reserved: u32,
    pub(super) foreign: [u8; 16],
    pub(super) local: [u8; 16],
    type_of_service: u8,
    version_6: Version6,
}

/// The part that IPv6 has.
#[repr(C)]
pub(super) struct Version6 {
    hop_limit: u8,
    checksum: c_int,
    interface: c_ushort,
    hops: c_short,
}

// as C lays them out: the whole `struct socket_fdinfo` is 792 bytes
const _: () = assert!(mem::offset_of!(SocketInfo, internet) == 264 && mem::offset_of!(SocketInfo, tcp_state) == 344);

/// Grows the buffer until the answer leaves room: a process may open more between two calls.
pub(super) fn list(pid: c_int) -> io::Result<Vec<libc::proc_fdinfo>> {
    let mut room = 256;
    loop {
        let mut descriptors: Vec<libc::proc_fdinfo> = Vec::with_capacity(room);
        let bytes = c_int::try_from(room * size_of::<libc::proc_fdinfo>()).map_err(io::Error::other)?;
        let buffer = descriptors.as_mut_ptr().cast::<c_void>();
        // a process that has nothing open answers 0 without an error
        Errno::clear();
        // SAFETY: the buffer is `bytes` bytes long.
        let filled = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, buffer, bytes) };
        if filled <= 0 {
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
pub(super) fn describe(pid: c_int, descriptor: c_int) -> Option<SocketInfo> {
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
