//! A process held open, so that what is signalled and waited for is that process and never a later one with its PID.
//!
//! Linux: a pidfd, and a thread that looks where there are none. macOS: a kqueue that watches `EVFILT_PROC`; type-checked, never run.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Identity;
use signal::Signal;

#[cfg_attr(target_os = "linux", path = "handle/linux.rs")]
#[cfg_attr(target_os = "macos", path = "handle/macos.rs")]
mod platform;
pub(crate) mod signal;

/// One process, held open. Its descriptor becomes readable when the process has ended.
#[derive(Debug)]
pub struct Handle {
    identity: Identity,
    /// Shared with the thread that looks, where there is one.
    descriptor: Arc<OwnedFd>,
}

impl Handle {
    /// Opens a process; `None` when it has ended or its PID belongs to another one by now.
    ///
    /// Source: pidfd_open(2); on macOS kqueue(2). The identity is checked after the process was opened, so it
    /// cannot change in between. Where Linux has no pidfds, or a filter refuses them, a thread looks every few milliseconds
    /// whether the process is still there.
    ///
    /// # Errors
    /// When the process can be neither opened nor said to be gone.
    pub fn open(identity: Identity) -> io::Result<Option<Self>> {
        let identity = identity.as_read_here()?;
        Ok(platform::open(identity)?.map(|descriptor| Self { identity, descriptor }))
    }

    /// Returns which process this is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Sends a signal; `false` when the process has ended already.
    ///
    /// Source: pidfd_send_signal(2). Where there is no such call the identity is checked again, then kill(2).
    ///
    /// # Errors
    /// When the caller may not signal it.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        platform::signal(self.identity, &self.descriptor, signal)
    }

    /// Tells whether the process has ended. A zombie has.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub fn has_ended(&self) -> io::Result<bool> {
        Ok(ended(&[self], Some(Instant::now()))?.first() == Some(&0))
    }

    /// Tells how the process ended, once its parent has taken note of that, whoever its parent is; `None` where nobody tells.
    ///
    /// Source: `PIDFD_INFO_EXIT` of `PIDFD_GET_INFO(2const)`, Linux 6.15 and later.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        platform::exit_status(&self.descriptor)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Sends a signal to a process that is not held open; `false` when it has ended already.
///
/// It is opened for the signal, as by [`Handle::open`]; where there are no pidfds, its identity is checked right before.
///
/// # Errors
/// When the process cannot be looked at, or the caller may not signal it.
pub fn signal(identity: Identity, signal: Signal) -> io::Result<bool> {
    platform::signal_once(identity.as_read_here()?, signal)
}

/// Lists the processes that a process holds open as a [`Handle`] does; of another user's process nothing is known.
///
/// Source: the `Pid` of a pidfd in proc_pid_fdinfo(5). macOS tells nobody: there the answer is empty.
pub fn held_by(pid: u32) -> Vec<u32> {
    platform::held_by(pid)
}

/// Waits until at least one of the processes has ended and returns the positions of those that have;
/// an empty answer means that the deadline passed. Without a deadline it waits for as long as it takes.
///
/// Any other descriptor may be waited for as well, until it can be read: a terminal, a pipe.
///
/// # Errors
/// When poll(2) fails.
pub fn ended<D: AsFd>(watched: &[D], deadline: Option<Instant>) -> io::Result<Vec<usize>> {
    let mut watched: Vec<PollFd<'_>> =
        watched.iter().map(|descriptor| PollFd::new(descriptor, PollFlags::IN)).collect();
    poll_until(&mut watched, deadline)
}

/// Waits until all of the processes have ended, or until the deadline; returns those that live on, in any order.
///
/// # Errors
/// When poll(2) fails.
pub fn outliving<P: AsFd>(mut processes: Vec<P>, deadline: Instant) -> io::Result<Vec<P>> {
    while !processes.is_empty() {
        let ended = ended(&processes, Some(deadline))?;
        if ended.is_empty() {
            break;
        }
        for position in ended.into_iter().rev() {
            processes.swap_remove(position);
        }
    }
    Ok(processes)
}

/// poll(2) until an absolute deadline, whatever signals interrupt it; returns the positions of what is ready.
pub(crate) fn poll_until(watched: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<Vec<usize>> {
    loop {
        let left = deadline.map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
        match poll(watched, left.as_ref()) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((0..watched.len()).filter(|&position| !watched[position].revents().is_empty()).collect())
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::ExitStatusExt,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn how_a_process_ended_is_told_after_its_parent_was_told_or_never() {
        for (script, raw) in [("read line; exit 7", 7 << 8), ("read line; kill -KILL $$", 9)] {
            let mut command = Command::new("sh");
            let mut child = command.args(["-c", script]).stdin(Stdio::piped()).spawn().expect("sh runs");
            let meant = Identity::of(child.id()).expect("it can be looked at").expect("it runs");
            let handle = Handle::open(meant).expect("it can be opened").expect("it runs");
            assert_eq!(handle.exit_status(), None);
            // it reads the end of its input then
            let status = child.wait().expect("it ends");
            assert_eq!(status.into_raw(), raw);
            assert!(handle.exit_status().is_none_or(|told| told == status), "{script}");
        }
    }

    #[test]
    fn another_process_with_the_same_pid_neither_runs_nor_is_opened_nor_is_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep runs");
        let meant = Identity::of(child.id()).expect("it can be looked at").expect("it runs");
        for start_id in [meant.start_id - 1, meant.start_id + 1, u64::MAX] {
            let other = Identity { start_id, ..meant };
            assert_eq!(other.is_running().ok(), Some(false), "{other:?}");
            assert!(Handle::open(other).expect("it can be said").is_none(), "{other:?}");
            assert!(!signal(other, Signal::KILL).expect("it can be said"), "{other:?}");
        }
        assert_eq!(meant.is_running().ok(), Some(true));
        let handle = Handle::open(meant).expect("it is ours").expect("it runs");
        assert!(handle.signal(Signal::KILL).expect("it is ours"));
        assert!(!ended(&[&handle], None).expect("it can be waited for").is_empty());
        // a zombie has ended
        assert_eq!(meant.is_running().ok(), Some(false));
        assert!(Handle::open(meant).expect("it can be said").is_none());
        child.wait().expect("it has ended");
        assert!(!handle.signal(Signal::KILL).expect("nobody is there"));
    }

    #[test]
    fn those_that_outlive_the_deadline_are_returned() {
        let mut children = ["0", "60"].map(|seconds| Command::new("sleep").arg(seconds).spawn().expect("sleep runs"));
        let identity = |child: &std::process::Child| Identity::of(child.id()).expect("it can be looked at");
        let handles: Vec<Handle> = children
            .iter()
            .filter_map(|child| Handle::open(identity(child)?).expect("a child can be opened"))
            .collect();
        let living = outliving(handles, Instant::now() + Duration::from_millis(500)).expect("poll works");
        let living: Vec<u32> = living.iter().map(|handle| handle.identity().pid).collect();
        for child in &mut children {
            child.kill().and_then(|()| child.wait()).expect("sleep ends");
        }
        assert_eq!(living, [children[1].id()]);
    }
}
