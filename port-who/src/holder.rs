//! Which processes have a socket open.
//!
//! One façade: Linux passes once over `/proc/*/fd`; macOS asks libproc, type-checked and never run.

mod open;

#[cfg_attr(target_os = "linux", path = "holder/linux.rs")]
#[cfg_attr(target_os = "macos", path = "holder/macos.rs")]
mod platform;

use std::io;

use crate::socket::Socket;

pub(crate) use open::Open;

/// Finds every process that has one of the sockets open, in one pass for all of them.
///
/// A process that vanishes meanwhile holds nothing. Without sockets nothing is read.
///
/// # Errors
/// When the process table cannot be read at all.
pub(crate) fn holders(sockets: &[Socket]) -> io::Result<Open> {
    let open = Open::of(sockets);
    if open.is_empty() { Ok(open) } else { platform::holders(open) }
}

/// Finds which of these processes have one of the sockets open, and which of them may not be looked into.
///
/// # Errors
/// As [`holders`].
pub(crate) fn holders_among(sockets: &[Socket], pids: impl IntoIterator<Item = u32>) -> io::Result<(Open, Vec<u32>)> {
    let (mut open, mut closed) = (Open::of(sockets), Vec::new());
    if open.is_empty() {
        return Ok((open, closed));
    }
    for pid in pids {
        let unreadable = open.unreadable;
        open = platform::holds(pid, open)?;
        closed.extend((open.unreadable > unreadable).then_some(pid));
    }
    Ok((open, closed))
}

/// Tells whether one process still has one of the sockets open.
///
/// # Errors
/// When its descriptors cannot all be read and none of those that can is one of the sockets.
pub fn holds(pid: u32, sockets: &[Socket]) -> io::Result<bool> {
    let open = platform::holds(pid, Open::of(sockets))?;
    match open.is_held() {
        false if open.unreadable > 0 => Err(io::ErrorKind::PermissionDenied.into()),
        is_held => Ok(is_held),
    }
}
