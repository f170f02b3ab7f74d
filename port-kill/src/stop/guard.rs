//! The one place that every signal passes: whom it may reach.
//!
//! Whatever list is drawn up elsewhere, the kernel is asked here, right before the first signal, whether the process is
//! one of those that were asked for: named, a holder of the socket, a descendant, of the session. Any other is refused.

use std::{
    collections::{HashMap, HashSet},
    io,
    time::Duration,
};

use port_who::{Socket, holds};
use proc_tree::{
    Identity, Stat,
    cli::text,
    process::{self, StartTime},
    tree,
};

use super::{
    lineage::{children, is_stray, keeps, leads},
    options::StopOptions,
    untouchable::Untouchable,
};
use crate::{
    outcome::Outcome,
    supervisor::{KeptUp, supervised_port},
};

/// How long ago one was born that shows that there may be more in a moment.
const YOUTH: Duration = Duration::from_secs(1);

/// Why a process may be signalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The caller named this very process.
    Named,
    /// It holds one of these sockets.
    Holds(Vec<Socket>),
    /// It would start this process again.
    Supervises(Identity),
    /// It would start a server on this port again.
    KeepsUp(KeptUp),
}

/// Leave to signal one process. Only a [`Guard`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permit(Identity);

impl Permit {
    pub(super) fn is_for(&self, process: Identity) -> bool {
        self.0 == process
    }
}

/// Why a process is not signalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withheld {
    pub(super) outcome: Outcome,
    pub(super) reason: String,
}

impl Withheld {
    fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: reason.into() }
    }
}

/// Knows which processes were asked for.
#[derive(Debug)]
pub(super) struct Guard {
    untouchable: Untouchable,
    /// Whether descendants were asked for too.
    tree: bool,
    /// Whether the sessions count that those who were asked for lead.
    session: bool,
    /// When this stop began.
    begun: StartTime,
    claims: HashMap<Identity, Claim>,
    /// Who was found to be one of those that were asked for: once is enough, a server that is told to end lets go of its
    /// port, and a descendant of its parent.
    permitted: HashSet<Identity>,
    /// Whose child each was when this guard read it: what lost its parent since then cannot prove it any more.
    parents: HashMap<Identity, Identity>,
    /// Those of them that lead a process group or a session.
    leaders: Vec<Identity>,
}

impl Guard {
    /// Finds out who must never be signalled.
    pub(super) fn new(options: &StopOptions) -> io::Result<Self> {
        Ok(Self {
            untouchable: Untouchable::find()?,
            tree: options.tree,
            session: options.session,
            begun: StartTime::now(),
            claims: HashMap::new(),
            permitted: HashSet::new(),
            parents: HashMap::new(),
            leaders: Vec::new(),
        })
    }

    /// Says why this process must not be signalled, whoever asks for it.
    pub(super) fn refusal(&self, process: Identity) -> Option<&'static str> {
        self.untouchable.refusal(process)
    }

    /// Tells whether a process was born within the last second before the stop began, or since then.
    pub(super) fn is_young(&self, stat: &Stat) -> bool {
        self.begun.time().duration_since(stat.started.time()).map_or(true, |age| age < YOUTH)
    }

    /// Notes that a process was asked for.
    pub(super) fn claim(&mut self, process: Identity, claim: Claim) {
        self.claims.entry(process).or_insert(claim);
    }

    /// Gives leave to signal a process.
    ///
    /// # Errors
    /// With the outcome for a process that must not be signalled, or need not.
    pub(super) fn permit(&mut self, process: Identity) -> Result<Permit, Withheld> {
        if let Some(reason) = self.refusal(process) {
            return Err(Withheld::new(Outcome::Refused, reason));
        }
        if !self.permitted.contains(&process) {
            let stat = read(process)?;
            match self.claims.get(&process) {
                Some(claim) => claim.verify(process)?,
                None if self.belongs(&stat) => {}
                None => return Err(Withheld::new(Outcome::Refused, "it is none of those that were asked for")),
            }
            self.permitted.insert(process);
            if leads(&stat) && !self.is_supervisor(process) {
                self.leaders.push(process);
            }
        }
        Ok(Permit(process))
    }

    /// Lists the children of a process.
    pub(super) fn children(&mut self, parent: &Stat) -> io::Result<Vec<Stat>> {
        let children = children(parent)?;
        self.parents.extend(children.iter().map(|child| (child.identity(), parent.identity())));
        Ok(children)
    }

    /// Lists the descendants of a process, each after its parent.
    pub(super) fn descendants(&mut self, root: &Stat) -> io::Result<Vec<Stat>> {
        let mut members = tree::members(root.pid)?;
        let by_pid: HashMap<u32, Identity> = members.iter().map(|stat| (stat.pid, stat.identity())).collect();
        if by_pid.get(&root.pid) != Some(&root.identity()) {
            return Ok(Vec::new());
        }
        members.retain(|stat| stat.pid != root.pid);
        let born = members.iter().filter_map(|stat| Some((stat.identity(), *by_pid.get(&stat.parent)?)));
        self.parents.extend(born);
        Ok(members)
    }

    /// Lists the orphans that these processes took over and that belong to a tree which is being stopped, each with the
    /// leader whose session or process group it is in.
    pub(super) fn orphans(&self, reapers: &[u32]) -> io::Result<Vec<(Stat, Identity)>> {
        let mut orphans = Vec::new();
        for reaper in reapers.iter().filter(|_| !self.leaders.is_empty()) {
            let Some(reaper) = process::stat(*reaper).ok().flatten() else { continue };
            let of = |stat: Stat| self.leader(&stat, &reaper).map(|leader| (stat, leader));
            orphans.extend(children(&reaper)?.into_iter().filter_map(of));
        }
        Ok(orphans)
    }

    fn is_supervisor(&self, process: Identity) -> bool {
        matches!(self.claims.get(&process), Some(Claim::Supervises(_) | Claim::KeepsUp(_)))
    }

    /// Tells whether what descends from this process belongs to the tree.
    fn is_of_tree(&self, process: Identity) -> bool {
        self.permitted.contains(&process) && !self.is_supervisor(process)
    }

    fn belongs(&self, stat: &Stat) -> bool {
        self.tree && (self.descends(stat) || self.descended(stat.identity()) || self.strayed(stat))
    }

    fn descends(&self, of: &Stat) -> bool {
        let mut child = of.clone();
        while let Some(parent) = process::stat(child.parent).ok().flatten()
            && parent.started <= child.started
        {
            if self.is_of_tree(parent.identity()) {
                return true;
            }
            child = parent;
        }
        false
    }

    /// Tells whether it descended from the tree until its parent ended.
    fn descended(&self, process: Identity) -> bool {
        let Some(&parent) = self.parents.get(&process) else { return false };
        let has_ended = parent.is_running().is_ok_and(|runs| !runs);
        has_ended && (self.is_of_tree(parent) || self.descended(parent))
    }

    fn strayed(&self, stat: &Stat) -> bool {
        let parent = process::stat(stat.parent).ok().flatten();
        parent.is_some_and(|reaper| self.leader(stat, &reaper).is_some())
    }

    fn leader(&self, stat: &Stat, reaper: &Stat) -> Option<Identity> {
        let is_its = |leader: &&Identity| is_stray(stat, reaper, leader.pid, self.begun, self.session);
        let leader = self.leaders.iter().find(is_its).copied()?;
        // while it is in use as a session or a process group, a PID is given to nobody else
        let now = process::stat(leader.pid).ok().flatten();
        now.is_none_or(|now| now.identity() == leader).then_some(leader)
    }
}

impl Claim {
    fn verify(&self, process: Identity) -> Result<(), Withheld> {
        match self {
            Self::Named => Ok(()),
            Self::Holds(sockets) => still_holds(holds(process.pid, sockets).ok(), || process::is_ending(process)),
            Self::Supervises(server) if keeps(process, *server) => Ok(()),
            Self::KeepsUp(kept) if supervised_port(process) == Some(*kept) => Ok(()),
            Self::KeepsUp(_) | Self::Supervises(_) => {
                Err(Withheld::new(Outcome::Refused, "it does not keep the server up"))
            }
        }
    }
}

/// What it means for a holder that it holds its sockets, does not, or cannot be looked into (`None`). What is on its way out was
/// readable when it was found, and is waited for as any other holder.
fn still_holds(held: Option<bool>, is_ending: impl FnOnce() -> bool) -> Result<(), Withheld> {
    match held {
        Some(true) => Ok(()),
        Some(false) => Err(Withheld::new(Outcome::Gone, "it holds the port no more")),
        None if is_ending() => Ok(()),
        None => Err(Withheld::new(Outcome::Denied, "it cannot be seen whether it still holds the port")),
    }
}

fn read(process: Identity) -> Result<Stat, Withheld> {
    match process::stat_of(process) {
        Ok(Some(stat)) => Ok(stat),
        Ok(None) => Err(Withheld::new(Outcome::Gone, "it had ended")),
        Err(error) => Err(Withheld::new(Outcome::Denied, text::os_error(&error))),
    }
}

#[cfg(test)]
mod tests;
