//! What the kernel has counted for one process: CPU time, bytes read and written, open files.
//!
//! One façade for both platforms. Every function answers `None` for a process that does not exist (any more) and an
//! error where the kernel refuses to say: that is not 0. The macOS side has been type-checked, never run.

#[cfg(feature = "gpu")]
pub mod gpu;
pub mod memory;

use std::{io, sync::OnceLock, time::Duration};

#[cfg_attr(target_os = "linux", path = "usage/linux.rs")]
#[cfg_attr(target_os = "macos", path = "usage/macos.rs")]
mod platform;

/// Bytes that a process caused to be read from and written to storage, its reaped children's included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Bytes read from storage.
    pub read: u64,
    /// Bytes written, or about to be written, to storage.
    pub written: u64,
}

/// Reads the CPU time of a process: all its threads, those that ended too, without its children.
///
/// Source: clock_getcpuclockid(3), to the nanosecond and for any user's process; a zombie still has its clock.
/// macOS: proc_pid_rusage, for the user's own processes.
///
/// # Errors
/// When the kernel refuses to say.
pub fn cpu_clock(pid: u32) -> io::Result<Option<Duration>> {
    platform::cpu_clock(pid)
}

/// Reads how many bytes the process moved from and to storage.
///
/// Source: proc_pid_io(5), `read_bytes` and `write_bytes`. macOS: proc_pid_rusage.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub fn transfer(pid: u32) -> io::Result<Option<Transfer>> {
    platform::transfer(pid)
}

/// Counts the process's open file descriptors.
///
/// Source: proc_pid_fd(5). macOS: `proc_pidinfo(PROC_PIDLISTFDS)`.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub fn open_files(pid: u32) -> io::Result<Option<u64>> {
    platform::open_files(pid)
}

/// Returns how much memory the machine has, in bytes; `None` when the kernel does not say.
pub fn machine_memory() -> Option<u64> {
    static KNOWN: OnceLock<Option<u64>> = OnceLock::new();
    *KNOWN.get_or_init(platform::machine_memory)
}

/// Returns how many CPUs the machine runs on: more than that nobody uses at a time.
pub fn machine_cpus() -> Option<u32> {
    static KNOWN: OnceLock<Option<u32>> = OnceLock::new();
    *KNOWN.get_or_init(platform::machine_cpus)
}
