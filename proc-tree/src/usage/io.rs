//! Bytes read and written, and open files.

use std::io;

#[cfg_attr(target_os = "linux", path = "io/linux.rs")]
#[cfg_attr(target_os = "macos", path = "io/macos.rs")]
mod platform;
mod transfer;

pub(crate) use transfer::Transfer;

/// Reads how many bytes the process moved from and to storage.
///
/// Source: proc_pid_io(5), `read_bytes` and `write_bytes`. macOS: proc_pid_rusage.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub(crate) fn transfer(pid: u32) -> io::Result<Option<Transfer>> {
    platform::transfer(pid)
}

/// Counts the process's open file descriptors.
///
/// Source: proc_pid_fd(5). macOS: `proc_pidinfo(PROC_PIDLISTFDS)`.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub(crate) fn open_files(pid: u32) -> io::Result<Option<u64>> {
    platform::open_files(pid)
}
