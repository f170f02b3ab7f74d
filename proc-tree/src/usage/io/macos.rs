//! macOS: proc_pid_rusage and proc_pidinfo of libproc. Type-checked from Linux, never run.

use std::{ffi::c_int, io};

use super::transfer::Transfer;
use crate::process::{if_exists, rusage};

pub(super) fn transfer(pid: u32) -> io::Result<Option<Transfer>> {
    Ok(if_exists(rusage(pid))?
        .map(|usage| Transfer { read: usage.ri_diskio_bytesread, written: usage.ri_diskio_byteswritten }))
}

pub(super) fn open_files(pid: u32) -> io::Result<Option<u64>> {
    if_exists(count_descriptors(pid))
}

/// Asked with room for more than there are, the kernel answers how many bytes it filled.
fn count_descriptors(pid: u32) -> io::Result<u64> {
    // sys/proc_info.h: `PROC_PIDLISTFDS` lists `struct proc_fdinfo`, an `int32_t` and a `uint32_t`
    const LIST: c_int = 1;
    const SIZE: usize = 8;
    let pid = c_int::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let mut room = 256 * SIZE;
    loop {
        let mut buffer = vec![0u8; room];
        let bytes = c_int::try_from(room).map_err(io::Error::other)?;
        // SAFETY: the buffer is `bytes` bytes long and the kernel writes no more than that.
        let filled = unsafe { libc::proc_pidinfo(pid, LIST, 0, buffer.as_mut_ptr().cast(), bytes) };
        let filled = usize::try_from(filled).ok().filter(|&filled| filled > 0);
        let filled = filled.ok_or_else(io::Error::last_os_error)?;
        if filled < room {
            return Ok((filled / SIZE) as u64);
        }
        room *= 2;
    }
}
