//! macOS: proc_pid_rusage and proc_pidinfo of libproc. Type-checked from Linux, never run.

use std::{ffi::c_int, io, ptr, time::Duration};

use super::Transfer;
use crate::process::{cpu_time, if_exists, rusage};

pub(super) fn cpu_clock(pid: u32) -> io::Result<Option<Duration>> {
    Ok(if_exists(rusage(pid))?.map(|usage| cpu_time(usage.ri_user_time + usage.ri_system_time)))
}

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

/// `hw.memsize`, see sysctl(3).
pub(super) fn machine_memory() -> Option<u64> {
    let mut bytes = 0u64;
    let mut size = size_of::<u64>();
    // SAFETY: the name ends with a NUL; the answer is 64 bits wide, as is the buffer.
    let status = unsafe {
        libc::sysctlbyname(c"hw.memsize".as_ptr(), (&raw mut bytes).cast(), &raw mut size, ptr::null_mut(), 0)
    };
    (status == 0 && bytes > 0).then_some(bytes)
}

/// sysconf(3).
pub(super) fn machine_cpus() -> Option<u32> {
    // SAFETY: sysconf(3) takes any number.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    u32::try_from(count).ok().filter(|&count| count > 0)
}
