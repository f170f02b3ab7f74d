//! The processes of one server: the one that was started, and what remains of it when that was only a wrapper.

use std::{ffi::OsString, io};

use nix::{
    sys::{
        signal,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use proc_tree::{Handle, Identity, Signal, Stat, process, tree};

use crate::server::{end::End, mark::Mark, record::ServerRecord, session::Root};

/// The processes of a server, watched.
#[derive(Debug)]
pub struct ServerProcesses {
    /// What was started first, and every process that is known to stand in for it since.
    roots: Vec<Identity>,
    watched: Vec<Handle>,
    /// The process whose failure is the server's, whatever is left of it.
    leader: Option<Identity>,
    is_child: bool,
    /// Whether the end of what was started is the end, whatever it leaves behind.
    is_job: bool,
    /// The mark that a child was started with: an orphan that carries another one is another service's.
    mark: Option<Mark>,
    /// Whether an orphan that comes to this process is one of the server's.
    takes_orphans: bool,
    /// How those ended whose statuses were taken.
    ends: Vec<(Identity, End)>,
    end: Option<End>,
}

impl ServerProcesses {
    /// Watches a process. One that has ended already may have left something behind: `end` tells.
    ///
    /// `is_child` tells whether this process started it, and so can learn how it ends.
    ///
    /// # Errors
    /// When the process cannot be opened.
    pub fn watch(identity: Identity, is_child: bool) -> io::Result<Self> {
        let watched = Handle::open(identity)?.into_iter().collect();
        Ok(Self {
            roots: vec![identity],
            watched,
            leader: Some(identity),
            is_child,
            is_job: false,
            mark: None,
            takes_orphans: is_child,
            ends: Vec::new(),
            end: None,
        })
    }

    /// The process that was started is all: a job is over with it.
    #[must_use]
    pub(crate) fn of_job(self, is_job: bool) -> Self {
        Self { is_job, ..self }
    }

    /// Watches a child that was started with this environment.
    ///
    /// # Errors
    /// As [`ServerProcesses::watch`].
    pub(crate) fn started(identity: Identity, environment: &[(OsString, OsString)]) -> io::Result<Self> {
        Ok(Self { mark: Mark::find(environment), ..Self::watch(identity, true)? })
    }

    /// Watches the processes of a recorded server: the one that was started, and those that held its port.
    ///
    /// # Errors
    /// As [`ServerProcesses::watch`].
    pub(crate) fn of(record: &ServerRecord) -> io::Result<Self> {
        let roots = record.roots();
        let mut watched = Vec::new();
        for &root in &roots {
            watched.extend(Handle::open(root)?);
        }
        let roots = if roots.is_empty() { vec![record.identity()] } else { roots };
        Ok(Self {
            roots,
            watched,
            leader: None,
            is_child: false,
            is_job: record.once,
            mark: None,
            takes_orphans: false,
            ends: Vec::new(),
            end: None,
        })
    }

    /// Watches a recorded server beside others. One that is kept up comes and goes: its supervisor is watched. `has_come`
    /// tells that it came to this process as a sub-reaper, since its starter has ended: how it ends can be learned then.
    ///
    /// # Errors
    /// As [`ServerProcesses::watch`].
    pub fn recorded(record: &ServerRecord, has_come: bool) -> io::Result<Self> {
        let watched = match record.running_supervisor()? {
            Some(supervisor) => Self::watch(supervisor, has_come)?,
            None => Self { leader: has_come.then(|| record.identity()), is_child: has_come, ..Self::of(record)? },
        };
        Ok(Self { takes_orphans: false, ..watched })
    }

    /// Returns the processes whose descendants are ours.
    pub(crate) fn roots(&self) -> &[Identity] {
        &self.roots
    }

    /// Returns the process that stands for the server now: the one that was started, or the first that remains of it.
    pub(crate) fn identity(&self) -> Identity {
        self.watched.first().map_or(self.roots[0], Handle::identity)
    }

    /// Looks whether the server has ended. A wrapper that exits with status 0 and leaves a process behind has not.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub(crate) fn end(&mut self) -> io::Result<Option<End>> {
        if self.end.is_some() {
            return Ok(self.end);
        }
        let has_ended = self.watched.iter().map(Handle::has_ended).collect::<io::Result<Vec<_>>>()?;
        let mut has_ended = has_ended.into_iter();
        let ended: Vec<Handle> = self.watched.extract_if(.., |_| has_ended.next() == Some(true)).collect();
        let mut last = None;
        for process in &ended {
            let end = self.end_of(process.identity());
            if self.leader == Some(process.identity()) && end.is_failure() {
                self.end = Some(end);
                return Ok(self.end);
            }
            last = Some(end);
        }
        if self.watched.is_empty() && !self.is_job {
            self.watched = self.remains()?;
            self.roots.extend(self.watched.iter().map(Handle::identity));
        }
        if self.watched.is_empty() {
            self.end = Some(last.unwrap_or_else(|| self.end_of(self.roots[0])));
        }
        Ok(self.end)
    }

    /// Lets the process lead that these holders of the port descend from, once what was started is gone: a daemon that
    /// forked away from its launcher.
    pub(crate) fn led_by_one_of(&mut self, holders: &[Identity]) {
        if self.watched.iter().any(|watched| Some(watched.identity()) == self.leader) {
            return;
        }
        let is_above = |watched: &Handle| {
            let members = tree::members(watched.identity().pid).unwrap_or_default();
            members.iter().any(|member| holders.contains(&member.identity()))
        };
        if let Some(place) = self.watched.iter().position(is_above) {
            self.watched[..=place].rotate_right(1);
            self.leader = Some(self.watched[0].identity());
        }
    }

    /// Waits until a process that is watched ends; `end` tells what that means.
    pub(crate) async fn changed(&self) {
        // the first process is the one that matters; what remains of a wrapper is one process, nearly always
        if let Some(first) = self.watched.first()
            && health_wait::ended(first).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Tells how a process of the server ended that has, if this process can know: a child, or an orphan that came here.
    pub(crate) fn end_of(&mut self, ended: Identity) -> End {
        if let Some((_, end)) = self.ends.iter().find(|(one, _)| *one == ended) {
            return *end;
        }
        let status = if self.is_child { waitpid(pid(ended), Some(WaitPidFlag::WNOHANG)).ok() } else { None };
        let end = match status {
            Some(WaitStatus::Exited(_, status)) => End::Exited(status),
            Some(WaitStatus::Signaled(_, signal, _)) => {
                Signal::from_number(signal as i32).map_or(End::Unknown, End::Signalled)
            }
            // one that was reaped before, or is not a child
            _ => End::Unknown,
        };
        self.ends.push((ended, end));
        end
    }

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

    /// Kills the process group of the child that was started, with no more than one system call: the last resort where
    /// nothing can be looked at or opened. As long as the child is not reaped, nobody else has its number.
    pub(crate) fn kill_group(&self) {
        let is_reaped = !self.watched.iter().any(|handle| handle.identity() == self.roots[0]);
        if self.is_child && !is_reaped {
            let _ = signal::killpg(pid(self.roots[0]), signal::Signal::SIGKILL);
        }
    }

    /// Tells how the server ended before it was ready: of a daemon that came to this process and failed, the end of its
    /// launcher says nothing.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub(crate) fn end_of_start(&mut self) -> io::Result<Option<End>> {
        let Some(end) = self.end()?.filter(|end| !end.is_failure() && !self.is_job) else { return Ok(self.end) };
        let ended = self.begun(Stat::has_ended)?;
        let failed = ended.iter().map(|stat| self.end_of(stat.identity())).find(|end| end.is_failure());
        self.end = Some(failed.unwrap_or(end));
        Ok(self.end)
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
    /// server's: that one began with a session of its own. Nor is the server of another service that this one has started.
    fn left_behind(&self) -> io::Result<Vec<Stat>> {
        self.begun(|stat| !stat.has_ended())
    }

    fn begun(&self, is_meant: impl Fn(&Stat) -> bool) -> io::Result<Vec<Stat>> {
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

fn pid(identity: Identity) -> Pid {
    Pid::from_raw(i32::try_from(identity.pid).unwrap_or(i32::MAX))
}
