//! The pidfd: which process it is, by its inode, and whether this kernel and this process's filters allow it at all.
//!
//! Source: pidfd_open(2), pidfd_send_signal(2). Since Linux 6.9 a pidfd's inode, on a file system of its own (pidfs), names
//! one process for as long as the machine is up; before, all pidfds share one inode.

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    sync::OnceLock,
};

use nix::libc;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{fstat, fstatfs},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::start_id;

/// What pidfds are good for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    /// There are none: an old kernel, or a filter of system calls (seccomp) that refuses them.
    None,
    /// They can be waited for and signalled through.
    Handles,
    /// Their inodes are identities too.
    Identities,
}

/// Finds out, once, what pidfds are good for here.
///
/// # Errors
/// When it cannot be found out now: no descriptor is left, say. It may be the next time.
pub(crate) fn support() -> io::Result<Support> {
    static FOUND: OnceLock<Support> = OnceLock::new();
    if let Some(&found) = FOUND.get() {
        return Ok(found);
    }
    let found = probe()?;
    Ok(*FOUND.get_or_init(|| found))
}

/// `PID_FS_MAGIC` of linux/magic.h.
const PIDFS: u64 = 0x5049_4446;

fn probe() -> io::Result<Support> {
    let own = match pidfd_open(rustix::process::getpid(), PidfdFlags::empty()) {
        Ok(own) => own,
        Err(error) => return refused(error),
    };
    if let Err(error) = send_nothing(&own) {
        return refused(error);
    }
    let is_pidfs = fstatfs(&own).is_ok_and(|system| u64::try_from(system.f_type) == Ok(PIDFS));
    Ok(if is_pidfs { Support::Identities } else { Support::Handles })
}

/// A kernel without them says ENOSYS, and so do most filters; others say whatever their author chose. Of the caller's own
/// process a kernel that has them can only say that it is out of something.
fn refused(error: Errno) -> io::Result<Support> {
    match error {
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::AGAIN => Err(error.into()),
        _ => Ok(Support::None),
    }
}

/// Opens a process; `None` when there is none with this PID. That of a thread is none.
pub(crate) fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => Ok(Some(descriptor)),
        // EINVAL, since Linux 6.15 ENOENT: a thread's ID
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns what tells the process from others with its PID, where [`Support::Identities`] holds.
pub(crate) fn start_id(pidfd: &impl AsFd) -> io::Result<u64> {
    Ok(start_id::of_inode(fstat(pidfd)?.st_ino))
}

/// Asks the kernel about a process; `None` where it does not tell what is asked.
///
/// Source: `PIDFD_GET_INFO(2const)`, Linux 6.13 and later.
pub(crate) fn info(pidfd: &impl AsRawFd, what: u32) -> io::Result<Option<libc::pidfd_info>> {
    // SAFETY: numbers, all of which may be zero.
    let mut info: libc::pidfd_info = unsafe { mem::zeroed() };
    info.mask = u64::from(what);
    // SAFETY: the kernel writes no more than the size that is part of the request's number.
    let status = unsafe { libc::ioctl(pidfd.as_raw_fd(), libc::PIDFD_GET_INFO, &raw mut info) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((info.mask & u64::from(what) != 0).then_some(info))
}

/// Tells whether the process has ended; a zombie has.
pub(crate) fn has_ended(pidfd: &impl AsFd) -> io::Result<bool> {
    let mut watched = [PollFd::new(pidfd, PollFlags::IN)];
    loop {
        match poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Tells whether the process is there, as a zombie maybe: so long its PID is given to no other.
pub(crate) fn exists(pidfd: &impl AsFd) -> io::Result<bool> {
    match send_nothing(pidfd) {
        // another user's
        Ok(()) | Err(Errno::PERM) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn send_nothing(pidfd: &impl AsFd) -> Result<(), Errno> {
    let number = pidfd.as_fd().as_raw_fd();
    // SAFETY: signal 0 sends nothing, and no structure is passed.
    match unsafe { libc::syscall(libc::SYS_pidfd_send_signal, number, 0, std::ptr::null::<libc::siginfo_t>(), 0) } {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}
