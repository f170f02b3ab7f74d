//! One look at all processes: those of this user with what tells whose server each is.

use std::{
    io,
    os::unix::process::parent_id,
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use proc_tree::{Facts, Identity, Stat, process};

use super::{
    files,
    mark::Mark,
    record::ServerRecord,
    seen::{self, Seen},
    session::Root,
};
use crate::{Port, service::id::ServiceId};

/// All processes, at one time.
#[derive(Debug)]
pub(crate) struct Census {
    /// Every program that runs and can be seen, but for this one. Their identities are such as cost nothing to read:
    /// [`now`] makes those comparable that matter.
    all: Vec<Stat>,
    /// Those of this user that carry a mark, in this network namespace: in that the ports are meant.
    marked: Vec<Seen>,
    /// Those whose environment can be read and has none, with the folder that it says they were started in.
    unmarked: Vec<(Stat, Option<PathBuf>)>,
}

impl Census {
    /// Looks at all processes.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub(crate) fn take() -> io::Result<Self> {
        let (user, this) = (geteuid().as_raw(), std::process::id());
        let (mut all, mut marked, mut unmarked) = (Vec::new(), Vec::new(), Vec::new());
        for stat in process::programs()? {
            let Some(stat) = Some(stat?).filter(|stat| !stat.has_ended() && stat.pid != this) else { continue };
            // most processes tell no more by that than that they are not to be looked at closely
            if let Some(environment) = process::environment(stat.pid).ok().flatten() {
                if Mark::find(&environment).is_some() {
                    let facts = now(&stat).map(Facts::from_stat);
                    marked.extend(facts.map(|facts| Seen::with(facts, Some(environment))));
                } else {
                    let pwd = environment.into_iter().find(|(name, _)| name == "PWD").map(|(_, value)| value.into());
                    unmarked.push((stat.clone(), pwd));
                }
            }
            all.push(stat);
        }
        marked.retain(|seen| seen.mark.is_some() && seen.is_of(user) && is_in_own_network(seen.facts.pid));
        Ok(Self { all, marked, unmarked })
    }

    /// Returns this user's processes that carry a mark.
    pub(crate) fn all_marked(&self) -> &[Seen] {
        &self.marked
    }

    /// Looks closely at those that carry no mark and that run in a folder, or were started there; not at those that this
    /// process descends from.
    pub(crate) fn unmarked_in(&self, folder: &Path) -> Vec<Seen> {
        let above = self.above();
        let mut pwds: Vec<&PathBuf> = self.unmarked.iter().filter_map(|(_, pwd)| pwd.as_ref()).collect();
        pwds.sort_unstable();
        pwds.dedup();
        // a shell keeps the way that somebody came there by
        pwds.retain(|pwd| pwd.canonicalize().is_ok_and(|pwd| pwd == folder));
        let is_there = |stat: &Stat| process::cwd(stat.pid).ok().flatten().is_some_and(|cwd| cwd == folder);
        let came_from = |pwd: &Option<PathBuf>| pwd.as_ref().is_some_and(|pwd| pwds.contains(&pwd));
        let others = self.unmarked.iter().filter(|(stat, _)| !above.contains(&stat.pid));
        let here = others.filter(|(stat, pwd)| came_from(pwd) || is_there(stat));
        here.filter(|(stat, _)| is_in_own_network(stat.pid)).filter_map(|(stat, _)| seen(stat)).collect()
    }

    /// Looks closely at those of a user that carry no mark; not at those that this process descends from.
    pub(crate) fn unmarked_of(&self, user: u32) -> Vec<Seen> {
        let above = self.above();
        let seen =
            self.unmarked.iter().filter(|(stat, _)| !above.contains(&stat.pid)).filter_map(|(stat, _)| seen(stat));
        seen.filter(|seen| seen.is_of(user) && is_in_own_network(seen.facts.pid)).collect()
    }

    /// Looks closely at those that carry no mark and hold a port: a title may have been written over it.
    pub(crate) fn unmarked_holders(&self, port: Port) -> Vec<Seen> {
        let holdings = super::port::look(port).unwrap_or_default();
        let processes = holdings.into_iter().filter_map(|holding| holding.process);
        processes.filter(|process| self.marked.iter().all(|seen| seen.facts.pid != process.pid)).map(Seen::of).collect()
    }

    /// Lists the PIDs of the processes that this one descends from.
    fn above(&self) -> Vec<u32> {
        let (mut above, mut next, mut youngest) = (Vec::new(), parent_id(), None);
        // one that started after its child has the PID of a parent that has ended
        while let Some(stat) = self.all.iter().find(|stat| stat.pid == next)
            && youngest.is_none_or(|child| stat.started <= child)
            && !above.contains(&stat.pid)
        {
            above.push(stat.pid);
            (next, youngest) = (stat.parent, Some(stat.started));
        }
        above
    }

    /// Tells whether a process was there.
    pub(crate) fn has(&self, identity: Identity) -> bool {
        self.all.iter().any(|stat| is_of(stat, identity))
    }

    /// Lists the processes that carry the mark of a service's server on a port, without its supervisor.
    pub(crate) fn marked<'c>(&'c self, service: &'c ServiceId, port: Option<Port>) -> impl Iterator<Item = &'c Seen> {
        self.marked.iter().filter(move |seen| seen.is_marked_as(service, port) && !seen.is_supervisor())
    }

    /// Lists the marks of a service's server on a port that processes carry.
    pub(crate) fn marks<'c>(&'c self, service: &'c ServiceId, port: Option<Port>) -> impl Iterator<Item = &'c Mark> {
        let marks = self.marked.iter().filter_map(|seen| seen.mark.as_ref());
        marks.filter(move |mark| mark.started.is_of(service, port))
    }

    /// Finds the supervisor of a service's server on a port.
    pub(crate) fn supervisor(&self, service: &ServiceId, port: Option<Port>) -> Option<Identity> {
        let is_its = |seen: &&Seen| seen.is_supervisor() && seen.is_marked_as(service, port);
        self.marked.iter().find(is_its).map(|seen| seen.facts.identity())
    }

    /// Lists the children of a process.
    pub(crate) fn children(&self, of: Identity) -> impl Iterator<Item = Identity> {
        self.all.iter().filter(move |stat| stat.parent == of.pid).filter_map(identity)
    }

    /// Lists all processes of a recorded server that run: those that are recorded, the members of the sessions that these
    /// began or, where we started them, are in, what carries its mark, and what lost that and writes to its log. Their
    /// descendants are found below them.
    pub(crate) fn members(&self, record: &ServerRecord) -> Vec<Identity> {
        let roots: Vec<Root> = record.roots().into_iter().map(Root::of).collect();
        let is_root = |stat: &Stat| roots.iter().any(|root| is_of(stat, root.identity));
        let own = process::stat(std::process::id()).ok().flatten().map(|own| own.session);
        // one that was adopted may be in its user's session
        let is_started_root = |stat: &&Stat| record.log.is_some() && is_root(stat);
        let sessions: Vec<u32> = self.all.iter().filter(is_started_root).map(|stat| stat.session).collect();
        let is_in_session = |stat: &Stat| {
            roots.iter().any(|root| root.began(stat.session))
                || (sessions.contains(&stat.session) && Some(stat.session) != own)
        };
        let found = self.all.iter().filter(|stat| is_root(stat) || is_in_session(stat)).filter_map(identity);
        let marked = self.marked(&record.service, record.port).map(|seen| seen.facts.identity());
        let mut members: Vec<Identity> = found.collect();
        let more: Vec<Identity> = marked.chain(self.writers(record)).filter(|one| !members.contains(one)).collect();
        members.extend(more);
        members.retain(|one| Some(*one) != record.supervisor);
        members
    }

    /// Lists the processes of this user that carry no mark and write to a server's log. One that a person named may be that of
    /// several.
    fn writers(&self, record: &ServerRecord) -> Vec<Identity> {
        let Some(log) = record.log.as_deref().filter(|log| files::is_ours(log, "log")) else { return Vec::new() };
        let user = geteuid().as_raw();
        let writers = self.unmarked.iter().filter(|(stat, _)| seen::writes_to_log(stat.pid, log));
        let seen = writers.filter_map(|(stat, _)| seen(stat)).filter(|seen| seen.is_of(user));
        seen.map(|seen| seen.facts.identity()).collect()
    }
}

/// Looks at a process again, with an identity that can be compared; `None` where it has ended since. What cannot be looked at
/// is as it was.
fn now(stat: &Stat) -> Option<Stat> {
    process::stat(stat.pid).unwrap_or_else(|_| Some(stat.clone())).filter(|now| now.started == stat.started)
}

fn identity(stat: &Stat) -> Option<Identity> {
    now(stat).map(|now| now.identity())
}

fn is_of(stat: &Stat, meant: Identity) -> bool {
    stat.pid == meant.pid && identity(stat) == Some(meant)
}

fn seen(stat: &Stat) -> Option<Seen> {
    now(stat).map(Facts::from_stat).map(Seen::of)
}

/// A port is one of a network namespace. What cannot be seen is taken to be where most are.
fn is_in_own_network(pid: u32) -> bool {
    let network = port_who::network_of(pid);
    network.is_none() || network == port_who::own_network()
}
