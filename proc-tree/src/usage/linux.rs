//! Linux: CPU clocks by clock_gettime(2), the rest from /proc.

use std::{fs, io, os::unix::fs::MetadataExt, time::Duration};

use nix::{
    errno::Errno,
    time::{clock_getcpuclockid, clock_gettime},
    unistd::{Pid, SysconfVar, sysconf},
};

use super::Transfer;
use crate::process::{self, if_exists};

pub(super) fn cpu_clock(pid: u32) -> io::Result<Option<Duration>> {
    let Ok(pid) = i32::try_from(pid) else { return Ok(None) };
    match clock_getcpuclockid(Pid::from_raw(pid)).and_then(clock_gettime) {
        Ok(time) => Ok(Some(time.into())),
        // the clock of a process that ended between the two calls is no clock any more
        Err(Errno::ESRCH | Errno::EINVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn transfer(pid: u32) -> io::Result<Option<Transfer>> {
    let Some(bytes) = if_exists(process::read(pid, "io"))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    match (field("read_bytes:"), field("write_bytes:")) {
        (Some(read), Some(written)) => Ok(Some(Transfer { read, written })),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Since Linux 6.2 the folder's size is the number of its entries, and one stat(2) tells it for any user's process.
pub(super) fn open_files(pid: u32) -> io::Result<Option<u64>> {
    let folder = format!("/proc/{pid}/fd");
    match if_exists(fs::metadata(&folder))?.map(|folder| folder.size()) {
        Some(0) => Ok(if_exists(fs::read_dir(&folder))?.map(|entries| entries.count() as u64)),
        known => Ok(known),
    }
}

/// sysinfo(2), as free(1) shows it.
#[allow(clippy::useless_conversion, reason = "the kernel's long is 32 bits wide on some machines")]
pub(super) fn machine_memory() -> Option<u64> {
    let info = rustix::system::sysinfo();
    let bytes = u64::from(info.totalram) * u64::from(info.mem_unit.max(1));
    (bytes > 0).then_some(bytes)
}

/// sysconf(3). Not what this process may run on: a tree may run elsewhere.
pub(super) fn machine_cpus() -> Option<u32> {
    let count = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten()?;
    u32::try_from(count).ok().filter(|&count| count > 0)
}
