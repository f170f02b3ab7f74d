//! macOS: libproc lists every process's sockets. Type-checked from Linux, never run.

use std::io;

use super::open::Open;
use crate::table::macos::{descriptors, scan};

/// Looks into all processes.
pub(super) fn holders(mut open: Open) -> io::Result<Open> {
    let found = scan()?;
    for (pid, socket) in found.open {
        open.note(socket.inode, pid);
    }
    open.unreadable = found.unreadable;
    Ok(open)
}

/// Looks into one process.
pub(super) fn holds(pid: u32, mut open: Open) -> io::Result<Open> {
    match descriptors(pid) {
        Ok(sockets) => sockets.iter().for_each(|socket| open.note(socket.inode, pid)),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => open.unreadable += 1,
        Err(error) => return Err(error),
    }
    Ok(open)
}
