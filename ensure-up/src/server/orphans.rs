//! Whose the orphans are: daemons that a server's wrapper leaves behind can come to this process instead of init, so that
//! they are known (`PR_SET_CHILD_SUBREAPER`, Linux). macOS has no such thing: there only the session tells.

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use proc_tree::Identity;

/// Lets orphans come to this process.
pub(crate) fn adopt() {
    become_subreaper(true);
}

/// Lets orphans go to init again, before this process starts what is not the server's.
pub(crate) fn release() {
    become_subreaper(false);
}

fn become_subreaper(#[cfg_attr(target_os = "macos", expect(unused_variables, reason = "Linux only"))] on: bool) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(on);
}

/// Reaps all children that have ended.
pub(crate) fn reap() {
    while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {}
}

/// Reaps the orphans that came here, but for these: how those ended is for
/// [`ServerProcesses`](super::processes::ServerProcesses) to learn. Where there are no sub-reapers, no orphan comes.
pub(crate) fn reap_but(
    #[cfg_attr(target_os = "macos", expect(unused_variables, reason = "Linux only"))] kept: &[Identity],
) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::wait::{Id, waitid};
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let is_kept = |pid: i32| kept.iter().any(|kept| u32::try_from(pid) == Ok(kept.pid));
        while let Ok(status) = waitid(Id::All, peek) {
            let ended = status.pid().filter(|_| status != WaitStatus::StillAlive);
            let Some(pid) = ended.filter(|pid| !is_kept(pid.as_raw())) else { return };
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
    }
}
