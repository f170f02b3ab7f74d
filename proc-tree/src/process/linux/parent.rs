//! What the kernel tells of the parent of a process that /proc hides (`hidepid` in proc(5)).

use std::io;

use nix::libc;

use super::pidfd::{self, Support};

/// Asks the process's pidfd, which knows nothing of `hidepid`, for the parent's PID.
///
/// Linux 6.13 and later. A parent outside this PID namespace reads as 0.
pub(super) fn ask(pid: u32) -> io::Result<Option<u32>> {
    if pidfd::support()? == Support::None {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let Some(opened) = pidfd::open(pid)? else { return Ok(None) };
    match pidfd::info(&opened, libc::PIDFD_INFO_PID) {
        Ok(info) => Ok(info.map(|info| info.ppid)),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pidfd_that_tells_the_parent_at_all_tells_the_right_one() {
        let expected = rustix::process::getppid().and_then(|parent| u32::try_from(parent.as_raw_nonzero().get()).ok());
        if let Ok(told) = ask(std::process::id()) {
            assert_eq!(told, expected.or(Some(0)));
            assert_eq!(ask(u32::MAX).ok(), Some(None));
        }
    }
}
