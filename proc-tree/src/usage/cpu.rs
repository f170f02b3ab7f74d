//! CPU time.

use std::{io, time::Duration};

/// Reads the CPU time of a process: all its threads, those that ended too, without its children.
///
/// Source: clock_getcpuclockid(3), to the nanosecond and for any user's process; a zombie still has its clock.
/// macOS: proc_pid_rusage, for the user's own processes.
///
/// # Errors
/// When the kernel refuses to say.
#[cfg(target_os = "linux")]
pub fn cpu_clock(pid: u32) -> io::Result<Option<Duration>> {
    use nix::{
        errno::Errno,
        time::{clock_getcpuclockid, clock_gettime},
        unistd::Pid,
    };
    let Ok(pid) = i32::try_from(pid) else { return Ok(None) };
    match clock_getcpuclockid(Pid::from_raw(pid)).and_then(clock_gettime) {
        Ok(time) => Ok(Some(time.into())),
        // the clock of a process that ended between the two calls is no clock any more
        Err(Errno::ESRCH | Errno::EINVAL) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the CPU time of a process: all its threads, those that ended too, without its children.
///
/// # Errors
/// When the process belongs to another user, mostly.
#[cfg(target_os = "macos")]
pub fn cpu_clock(pid: u32) -> io::Result<Option<Duration>> {
    use crate::process::{cpu_time, if_exists, rusage};
    Ok(if_exists(rusage(pid))?.map(|usage| cpu_time(usage.ri_user_time + usage.ri_system_time)))
}
