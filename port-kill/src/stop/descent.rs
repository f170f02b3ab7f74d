//! Who belongs to the trees that are being stopped: a tree grows, and falls apart, while it is looked at.

use std::{collections::HashSet, io};

use proc_tree::{Identity, Stat, process, tree};

use super::{Stopped, campaign::Campaign, member::Member};
use crate::Role;

/// Who is halted so that it forks no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// All but those that lead a process group: an interactive shell would take one of its jobs for suspended, say so,
    /// and take the terminal back. What they fork meanwhile is in their group, and found by that.
    Gently,
    /// All.
    All,
}

impl Campaign<'_> {
    /// Halts the chosen ones and all that descend from them, to a fixed point: what is halted forks no more, so the
    /// round that finds nobody new has found all.
    ///
    /// A fork(2) that is under way when the signal comes still makes its child: the children are listed once their parent
    /// stands still.
    pub(super) fn halt(&mut self, halt: Halt, chosen: impl Fn(&Member) -> bool) -> io::Result<()> {
        let mut next = 0;
        loop {
            let before = self.members.len();
            let is_chosen = |member: &Member| member.stopped.role != Role::Supervisor && chosen(member);
            let positions: Vec<usize> = (0..before).filter(|&position| is_chosen(&self.members[position])).collect();
            for &position in &positions {
                let member = &mut self.members[position];
                if halt == Halt::All || !member.leads {
                    member.halt();
                }
            }
            for &position in &positions {
                let member = &mut self.members[position];
                member.await_standstill();
                // one that is not halted could fork for ever: its children are listed once
                if member.halted || position >= next {
                    self.join_children(position)?;
                }
            }
            self.join_strays()?;
            if self.members.len() == before {
                return Ok(());
            }
            next = before;
        }
    }

    pub(super) fn join_children(&mut self, position: usize) -> io::Result<()> {
        let Stopped { identity, root, .. } = self.members[position].stopped;
        let Some(parent) = process::stat(identity.pid).ok().flatten().filter(|stat| stat.identity() == identity) else {
            return Ok(());
        };
        for child in children(&parent)? {
            self.join(&child, root, Role::Descendant);
        }
        Ok(())
    }

    /// Adds those that left the tree by losing their parent, where it is certain that they were in it: they are in a
    /// process group or session that a member leads, and they were born after this began, or the session counts.
    ///
    /// Orphans go to an ancestor (`PR_SET_CHILD_SUBREAPER` in prctl(2)) or to the first process: only their children
    /// are looked at.
    pub(super) fn join_strays(&mut self) -> io::Result<()> {
        let leaders: Vec<(Identity, Identity)> = self
            .members
            .iter()
            .filter(|member| member.leads)
            .map(|member| (member.stopped.identity, member.stopped.root))
            .collect();
        if leaders.is_empty() {
            return Ok(());
        }
        let mut reapers: Vec<u32> = self.members.iter().flat_map(|member| member.ancestors.iter().copied()).collect();
        reapers.push(1);
        reapers.sort_unstable();
        reapers.dedup();
        for reaper in reapers {
            let Some(reaper) = process::stat(reaper).ok().flatten() else { continue };
            for stat in children(&reaper)? {
                let leader = leaders.iter().find(|(leader, _)| {
                    let session = stat.session == leader.pid && stat.session != reaper.session;
                    let group = stat.group == leader.pid && stat.group != reaper.group;
                    let young = stat.start_id >= self.begun;
                    stat.pid != leader.pid && ((session && (self.settings.session || young)) || (group && young))
                });
                if let Some(&(_, root)) = leader {
                    self.join(&stat, root, Role::Descendant);
                }
            }
        }
        Ok(())
    }

    /// A master may replace a worker that ended, and one that ended may have left a child behind: those join too.
    pub(super) fn follow(&mut self, ended: &[usize]) -> io::Result<()> {
        let before = self.members.len();
        let parents: HashSet<u32> = ended.iter().map(|&position| self.members[position].parent).collect();
        for position in 0..before {
            let member = &self.members[position];
            if member.handle.is_some()
                && member.stopped.signal.is_some()
                && member.stopped.role != Role::Supervisor
                && parents.contains(&member.stopped.identity.pid)
            {
                self.join_children(position)?;
            }
        }
        if self.members.iter().all(|member| member.handle.is_none()) {
            self.join_strays()?;
        }
        if self.members.len() == before { Ok(()) } else { self.signal_fresh(&mut |_| None) }
    }
}

/// Reads the children of a process; from all processes where the kernel keeps no list of children.
fn children(of: &Stat) -> io::Result<Vec<Stat>> {
    let listed: Vec<Stat> = match process::children(of.pid, of.threads) {
        Ok(pids) => pids.into_iter().filter_map(|pid| process::stat(pid).ok().flatten()).collect(),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => tree::members(of.pid)?,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Vec::new(),
        Err(error) => return Err(error),
    };
    // either PID may have passed to another process meanwhile
    let is_same = process::stat(of.pid).ok().flatten().is_some_and(|now| now.identity() == of.identity());
    Ok(listed.into_iter().filter(|child| is_same && child.parent == of.pid && child.start_id >= of.start_id).collect())
}
