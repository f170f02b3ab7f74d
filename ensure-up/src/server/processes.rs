//! The processes of one server: the one that was started, and what remains of it when that was only a wrapper.

mod end;
mod left;

use std::{ffi::OsString, io};

use nix::{sys::signal, unistd::Pid};
use proc_tree::{Handle, Identity, tree};

use crate::server::{end::End, holding::Holding, mark::Mark, record::ServerRecord};

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
    /// What was on its way out already when what stood for the server ended, and how that did.
    ending: Vec<(Identity, End)>,
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
            ending: Vec::new(),
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
            ending: Vec::new(),
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

    /// Tells whether what was started lives on beside a daemon that it has made and that holds the port: most launchers end
    /// once that serves.
    pub(crate) fn may_be_launcher_of(&self, holdings: &[Holding]) -> bool {
        let lives = |leader: &Identity| self.watched.iter().any(|watched| watched.identity() == *leader);
        let leader = self.leader.filter(|leader| self.is_child && lives(leader));
        // a daemon begins a session of its own, and what was started was given one
        leader.is_some_and(|leader| Holding::processes(holdings).any(|holder| holder.session != leader.pid))
    }

    /// Kills the process group of the child that was started, with no more than one system call: the last resort where
    /// nothing can be looked at or opened. As long as the child is not reaped, nobody else has its number.
    pub(crate) fn kill_group(&self) {
        let is_reaped = !self.watched.iter().any(|handle| handle.identity() == self.roots[0]);
        if self.is_child && !is_reaped {
            let _ = signal::killpg(pid(self.roots[0]), signal::Signal::SIGKILL);
        }
    }
}

fn pid(identity: Identity) -> Pid {
    Pid::from_raw(i32::try_from(identity.pid).unwrap_or(i32::MAX))
}
