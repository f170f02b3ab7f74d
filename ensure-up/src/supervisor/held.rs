//! A socket that the supervisor listens on for its server, which inherits it: whoever connects while there is no server waits
//! in the socket's queue for the next one, and is not refused.

use std::{
    ffi::OsString,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use nix::{errno::Errno, libc};

use crate::service::held_address::HeldAddress;

/// As many connections may wait as the system lets.
const QUEUE: i32 = 4096;

/// A socket that listens.
#[derive(Debug)]
pub(super) struct Held(TcpListener);

impl Held {
    /// Listens on an address. A socket on `::` takes IPv4 as well, where the system is set so.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let held = Self(TcpListener::bind(address)?);
        held.listen()?;
        Ok(held)
    }

    /// Goes on with a socket that another supervisor held; `None` where it does not listen as is asked for.
    pub(super) fn passed_on(socket: TcpListener, address: HeldAddress, port: u16) -> Option<Self> {
        socket.local_addr().is_ok_and(|own| own == (address.0, port).into()).then_some(Self(socket))
    }

    /// Listens, also after a server has shut the socket down: shutdown(2) is for all that have it open.
    pub(super) fn listen(&self) -> io::Result<()> {
        // SAFETY: listen(2) on a descriptor that is open.
        Ok(Errno::result(unsafe { libc::listen(self.0.as_raw_fd(), QUEUE) }).map(drop)?)
    }

    /// Counts who waits to be accepted. Source: tcp(7), `TCP_INFO`: of a socket that listens, `tcpi_unacked` is the length of
    /// its queue.
    #[cfg(target_os = "linux")]
    pub(super) fn queue(&self) -> u32 {
        // SAFETY: plain data, for which zeroes are a value.
        let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
        let mut length = libc::socklen_t::try_from(size_of_val(&info)).unwrap_or(0);
        let (buffer, fd) = ((&raw mut info).cast(), self.0.as_raw_fd());
        // SAFETY: the kernel writes no more than `length` bytes.
        let got = unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, buffer, &raw mut length) };
        if got == 0 { info.tcpi_unacked } else { 0 }
    }

    /// Not told there.
    #[cfg(target_os = "macos")]
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn queue(&self) -> u32 {
        0
    }

    /// Returns the socket.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Adds to an environment what tells a server of its socket: `sd_listen_fds(3)`. Its own PID is added where that is known.
pub(super) fn environment(variables: Vec<(OsString, OsString)>, name: &str) -> Vec<(OsString, OsString)> {
    let name: String = name.chars().filter(|one| !one.is_control() && *one != ':').take(200).collect();
    let told = [("LISTEN_FDS", "1".to_owned()), ("LISTEN_FDNAMES", name)];
    let mut variables = variables;
    variables.retain(|(known, _)| !["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"].iter().any(|name| known == *name));
    variables.extend(told.map(|(name, value)| (name.into(), value.into())));
    variables
}
