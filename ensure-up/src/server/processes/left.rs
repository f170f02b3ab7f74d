//! What a server has left behind where what was started was only a wrapper.

use std::io;

use proc_tree::{Handle, Identity, Stat, process};

use super::ServerProcesses;
use crate::server::{mark::Mark, session::Root};

impl ServerProcesses {
    /// Tells whether anything of the server lives, as far as it can be looked at.
    pub(crate) fn leaves_any(&self) -> bool {
        self.left_behind().is_ok_and(|left| !left.is_empty())
    }

    /// Returns all of the server that can be found: the processes that stand for it, and what they left behind.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub(crate) fn whole(&self) -> io::Result<Vec<Identity>> {
        let mut whole = self.roots.clone();
        whole.extend(self.left_behind()?.iter().map(Stat::identity).filter(|identity| !self.roots.contains(identity)));
        Ok(whole)
    }

    /// A daemon forks and ends while all processes are looked at: its child may have been looked at before it lost its
    /// parent. What a second look does not find either is not there.
    pub(super) fn remains(&self) -> io::Result<Vec<Handle>> {
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
    /// server's: that one began with a session of its own. Nor is the server of another service that this one has started.
    fn left_behind(&self) -> io::Result<Vec<Stat>> {
        self.begun(|stat| !stat.has_ended())
    }

    pub(super) fn begun(&self, is_meant: impl Fn(&Stat) -> bool) -> io::Result<Vec<Stat>> {
        let roots: Vec<Root> = self.roots.iter().map(|&root| Root::of(root)).collect();
        let reaper = if self.takes_orphans { process::stat(std::process::id())? } else { None };
        let mut left = Vec::new();
        for stat in process::visible()? {
            let Some(stat) = Some(stat?).filter(&is_meant) else { continue };
            let came_here =
                reaper.as_ref().is_some_and(|reaper| stat.parent == reaper.pid && stat.session != reaper.session);
            if (came_here && !self.is_anothers(stat.pid)) || roots.iter().any(|root| root.began(stat.session)) {
                left.push(stat);
            }
        }
        left.sort_by_key(|stat| stat.started);
        Ok(left)
    }

    fn is_anothers(&self, pid: u32) -> bool {
        let carried = || Mark::find(&process::environment(pid).ok()??).map(|mark| mark.started);
        self.mark.as_ref().zip(carried()).is_some_and(|(own, its)| !its.is_of(&own.started.service, own.started.port))
    }
}
