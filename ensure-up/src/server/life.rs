//! Whether the server lives: the process that was started, and what remains of it when that was only a wrapper.

use std::{fmt, io};

use nix::{
    sys::wait::{WaitPidFlag, WaitStatus, waitpid},
    unistd::Pid,
};
use proc_tree::{Handle, Identity, Signal, Stat, process};

use crate::server::standing;

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(Signal),
    /// It was not a child of this process, so nobody tells how.
    Unknown,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "ended with status {status}"),
            Self::Signalled(signal) => write!(f, "was ended by {signal}"),
            Self::Unknown => f.write_str("ended"),
        }
    }
}

/// A server that is watched.
#[derive(Debug)]
pub struct Life {
    /// What was started first, and every process that is known to stand in for it since.
    roots: Vec<Identity>,
    watched: Vec<Handle>,
    is_child: bool,
    ended: Option<Ending>,
}

impl Life {
    /// Watches a process. One that has ended already may have left something behind: [`Life::ended`] tells.
    ///
    /// `is_child` tells whether this process started it, and so can learn how it ends.
    ///
    /// # Errors
    /// When the process cannot be opened.
    pub fn watch(identity: Identity, is_child: bool) -> io::Result<Self> {
        let watched = Handle::open(identity)?.into_iter().collect();
        Ok(Self { roots: vec![identity], watched, is_child, ended: None })
    }

    /// Returns the processes whose descendants are ours.
    pub fn roots(&self) -> &[Identity] {
        &self.roots
    }

    /// Returns the process that stands for the server now: the one that was started, or the first that remains of it.
    pub fn identity(&self) -> Identity {
        self.watched.first().map_or(self.roots[0], Handle::identity)
    }

    /// Looks whether the server has ended. A wrapper that exits with status 0 and leaves a process behind has not.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub fn ended(&mut self) -> io::Result<Option<Ending>> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let mut alive = Vec::new();
        for handle in self.watched.drain(..) {
            if !handle.has_ended()? {
                alive.push(handle);
            }
        }
        self.watched = alive;
        if self.watched.is_empty() {
            let ending = if self.is_child { self.reap() } else { Ending::Unknown };
            if ending == Ending::Exited(0) || ending == Ending::Unknown {
                self.watched = self.remains()?;
                self.roots.extend(self.watched.iter().map(Handle::identity));
            }
            self.ended = self.watched.is_empty().then_some(ending);
        }
        Ok(self.ended)
    }

    /// Waits until a process that is watched ends; [`Life::ended`] tells what that means.
    pub async fn change(&self) {
        // the first process is the one that matters; what remains of a wrapper is one process, nearly always
        if let Some(first) = self.watched.first()
            && health_wait::ended(first).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Takes the statuses of those that ended, and returns that of the process that was started. Other children of this
    /// process are not touched: somebody else waits for them.
    fn reap(&self) -> Ending {
        let mut ending = Ending::Exited(0);
        for (index, root) in self.roots.iter().enumerate() {
            let pid = Pid::from_raw(i32::try_from(root.pid).unwrap_or(i32::MAX));
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, status)) if index == 0 => ending = Ending::Exited(status),
                Ok(WaitStatus::Signaled(_, signal, _)) if index == 0 => {
                    if let Some(signal) = Signal::from_number(signal as i32) {
                        ending = Ending::Signalled(signal);
                    }
                }
                // one that was reaped before, or is not a child
                _ => {}
            }
        }
        ending
    }

    /// Returns all of the server that can be found: the processes that stand for it, and what they left behind.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub fn whole(&self) -> io::Result<Vec<Identity>> {
        let mut whole = self.roots.clone();
        whole.extend(self.left_behind()?.iter().map(Stat::identity).filter(|identity| !self.roots.contains(identity)));
        Ok(whole)
    }

    /// A daemon forks and ends while all processes are looked at: its child may have been looked at before it lost its
    /// parent. What a second look does not find either is not there.
    fn remains(&self) -> io::Result<Vec<Handle>> {
        let mut remains = Vec::new();
        let mut empty = 0;
        while remains.is_empty() && empty < 2 {
            let left = self.left_behind()?;
            empty += usize::from(left.is_empty());
            for stat in left {
                remains.extend(Handle::open(stat.identity())?);
            }
        }
        Ok(remains)
    }

    /// Finds what a wrapper left behind, eldest first: the members of its session, and the daemons that came to this
    /// process as their sub-reaper (`PR_SET_CHILD_SUBREAPER`, Linux). What is of this process's own session is not the
    /// server's: that one began with a session of its own.
    fn left_behind(&self) -> io::Result<Vec<Stat>> {
        let reaper = if self.is_child { process::stat(std::process::id())? } else { None };
        let mut left = Vec::new();
        for pid in process::all()? {
            let Some(stat) = process::stat(pid)?.filter(|stat| !stat.has_ended()) else { continue };
            let came_here =
                reaper.as_ref().is_some_and(|reaper| stat.parent == reaper.pid && stat.session != reaper.session);
            if came_here || self.roots.iter().any(|&root| standing::is_in_session(stat.session, stat.start_id, root)) {
                left.push(stat);
            }
        }
        left.sort_by_key(|stat| stat.start_id);
        Ok(left)
    }
}

/// Lets daemons that a server's wrapper leaves behind come to this process instead of init, so that they are known.
/// macOS has no such thing: there only the session tells.
pub(crate) fn become_subreaper() {
    subreaper(true);
}

/// Reaps the orphans that came to this process as their sub-reaper, up to the process that was started first: how that one
/// ended is [`Life`]'s to learn. Where there are no sub-reapers, no orphan comes.
pub(crate) fn reap_orphans_but(
    #[cfg_attr(target_os = "macos", expect(unused_variables, reason = "Linux only"))] first: Identity,
) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::wait::{Id, waitid};
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, peek) {
            let ended = status.pid().filter(|_| status != WaitStatus::StillAlive);
            let Some(pid) = ended.filter(|pid| u32::try_from(pid.as_raw()) != Ok(first.pid)) else { return };
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// Reaps all children that have ended.
pub(crate) fn reap_orphans() {
    while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status != WaitStatus::StillAlive) {}
}

/// Lets orphans go to init again, before this process starts what is not the server's.
pub(crate) fn leave_orphans() {
    subreaper(false);
}

fn subreaper(#[cfg_attr(target_os = "macos", expect(unused_variables, reason = "Linux only"))] on: bool) {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(on);
}
