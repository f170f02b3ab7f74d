//! macOS: libproc lists every process's sockets. Type-checked from Linux, never run.

use std::io;

use super::Holders;
use crate::{Socket, descriptors};

pub(super) fn holders(sockets: &[Socket]) -> io::Result<Holders> {
    let scan = descriptors::scan()?;
    let holds = |socket: &Socket| {
        let mut pids: Vec<u32> =
            scan.open.iter().filter(|(_, open)| open.inode == socket.inode).map(|(pid, _)| *pid).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    };
    Ok(Holders { pids: sockets.iter().map(holds).collect(), unreadable: scan.unreadable })
}

pub(super) fn holds(pid: u32, sockets: &[Socket]) -> io::Result<bool> {
    match descriptors::of(pid) {
        Ok(open) => Ok(open.iter().any(|open| sockets.iter().any(|socket| socket.inode == open.inode))),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) => Err(error),
    }
}
