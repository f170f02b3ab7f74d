//! Which processes have a socket open.
//!
//! One façade: Linux passes once over `/proc/*/fd`; macOS asks libproc, type-checked and never run.

use std::io;

use crate::Socket;

#[cfg_attr(target_os = "linux", path = "holder/linux.rs")]
#[cfg_attr(target_os = "macos", path = "holder/macos.rs")]
mod platform;

/// Who has the sockets open, as far as that can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// For each socket, in their order, the PIDs of its holders in ascending order; none where no owner is visible.
    pub pids: Vec<Vec<u32>>,
    /// How many processes could not be looked into, wholly or in part.
    pub unreadable: usize,
}

/// Finds every process that has one of the sockets open, in one pass for all of them.
///
/// A process that vanishes meanwhile holds nothing. Without sockets nothing is read.
///
/// # Errors
/// When the process table cannot be read at all.
pub fn holders(sockets: &[Socket]) -> io::Result<Holders> {
    if sockets.is_empty() { Ok(Holders::default()) } else { platform::holders(sockets) }
}

/// Tells whether one process still has one of the sockets open.
///
/// # Errors
/// When its descriptors cannot all be read and none of those that can is one of the sockets.
pub fn holds(pid: u32, sockets: &[Socket]) -> io::Result<bool> {
    platform::holds(pid, sockets)
}
