//! The tree: who descends from whom.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
};

use crate::{
    Identity, Stat,
    process::{self, StartTime},
};

/// Reads the ancestors of a process, its parent first.
///
/// A parent that started after its child is a recycled PID, not the parent: the walk ends there. It ends also where
/// /proc hides the parent (`hidepid` in proc(5)).
///
/// # Errors
/// When a process on the way cannot be looked at.
pub fn ancestors(of: &Stat) -> io::Result<Vec<Stat>> {
    let mut line: Vec<Stat> = Vec::new();
    while let Some(parent) = parent(line.last().unwrap_or(of))? {
        line.push(parent);
    }
    Ok(line)
}

/// Reads the parent of a process; `None` where it is hidden, or outside this PID namespace.
///
/// # Errors
/// When the parent cannot be looked at.
pub fn parent(of: &Stat) -> io::Result<Option<Stat>> {
    let parent = if of.parent == 0 { None } else { process::stat_if_visible(of.parent)? };
    Ok(parent.filter(|parent| parent.started <= of.started))
}

/// Reads the process with this PID and all its descendants, each after its parent; empty when there is none.
///
/// Members that vanish while the tree is read are left out.
///
/// # Errors
/// When the children of a process cannot be read.
pub fn members(root: u32) -> io::Result<Vec<Stat>> {
    let mut members = Vec::new();
    Walk::new().descend(root, &mut |stat| members.push(stat))?;
    Ok(members)
}

/// A walk through trees that meets no process twice.
///
/// A process's children are listed before it is read itself, and they are read after it. So a child that ends meanwhile
/// is either part of what its parent had reaped, or it is missed where it was listed, and the walk says so.
#[derive(Debug)]
pub(crate) struct Walk {
    seen: HashSet<u32>,
    /// All processes by parent, where the kernel keeps no list of children or the whole table is wanted anyway.
    table: Option<HashMap<u32, Vec<Stat>>>,
    missed: bool,
}

impl Walk {
    /// Starts a walk that asks the kernel for each process's children.
    pub(crate) fn new() -> Self {
        Self { seen: HashSet::new(), table: None, missed: false }
    }

    /// Starts a walk over one read of all processes.
    pub(crate) fn over_all() -> io::Result<Self> {
        Ok(Self { table: Some(table()?), ..Self::new() })
    }

    /// Keeps a process out of every tree from now on.
    pub(crate) fn skip(&mut self, pid: u32) {
        self.seen.insert(pid);
    }

    /// Tells whether a process was met.
    pub(crate) fn has_seen(&self, pid: u32) -> bool {
        self.seen.contains(&pid)
    }

    /// Tells whether a child ended between its mention and its turn.
    pub(crate) fn has_missed(&self) -> bool {
        self.missed
    }

    /// Visits a process and its descendants, each after its parent, but for those that were met before.
    pub(crate) fn descend(&mut self, root: u32, visit: &mut dyn FnMut(Stat)) -> io::Result<()> {
        let mut next: VecDeque<(u32, Option<(u32, StartTime)>)> = VecDeque::from([(root, None)]);
        while let Some((pid, parent)) = next.pop_front() {
            if !self.seen.insert(pid) {
                continue;
            }
            let Some((stat, children)) = self.read(pid)? else { continue };
            // listed by a parent that has it no more, or by a later process with that parent's PID
            if parent.is_some_and(|(parent, started)| stat.parent != parent || stat.started < started) {
                self.missed = true;
                continue;
            }
            next.extend(children.into_iter().map(|child| (child, Some((stat.pid, stat.started)))));
            visit(stat);
        }
        Ok(())
    }

    /// Lists the children, then reads the process. Only once it is read is it known whether it has several threads.
    fn read(&mut self, pid: u32) -> io::Result<Option<(Stat, Vec<u32>)>> {
        let mut children = self.children(pid, 1)?;
        let mut stat = process::stat_if_visible(pid)?;
        if let Some(threads) = stat.as_ref().map(|stat| stat.threads).filter(|&threads| threads > 1)
            && self.table.is_none()
        {
            children = self.children(pid, threads)?;
            stat = process::stat_if_visible(pid)?;
        }
        self.missed |= stat.is_none();
        Ok(stat.map(|stat| (stat, children)))
    }

    fn children(&mut self, pid: u32, threads: u32) -> io::Result<Vec<u32>> {
        if self.table.is_none() {
            match process::children(pid, threads) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => self.table = Some(table()?),
                answer => return answer,
            }
        }
        let children = self.table.as_ref().and_then(|table| table.get(&pid));
        Ok(children.into_iter().flatten().map(|child| child.pid).collect())
    }

    /// Lists the processes that left a tree by a double fork but not its session, eldest first: those that were not met
    /// yet, are in the root's session and lost their parent. Only a walk over all processes knows them.
    ///
    /// All of a session descends from its leader. Where the root does not lead it, as in a shell, the session holds
    /// neighbours too: then only orphans that are younger than the root are its own.
    pub(crate) fn session_orphans(&self, root: &Stat) -> Vec<Identity> {
        let Some(table) = self.table.as_ref() else { return Vec::new() };
        let session: HashMap<u32, &Stat> =
            table.values().flatten().filter(|stat| stat.session == root.session).map(|stat| (stat.pid, stat)).collect();
        let is_orphan = |stat: &Stat| {
            // the first process of a container may be of the session: its own children are neighbours, and what was left to it
            // cannot be told from them
            let lost_its_parent = !session.contains_key(&stat.parent);
            lost_its_parent && stat.pid != stat.session && stat.started >= root.started
        };
        let mut orphans: Vec<&Stat> = session
            .values()
            .copied()
            .filter(|stat| !self.seen.contains(&stat.pid) && (root.session == root.pid || is_orphan(stat)))
            .collect();
        orphans.sort_by_key(|stat| (stat.started, stat.pid));
        orphans.into_iter().map(Stat::identity).collect()
    }
}

fn table() -> io::Result<HashMap<u32, Vec<Stat>>> {
    let mut children: HashMap<u32, Vec<Stat>> = HashMap::new();
    for stat in process::visible()? {
        let stat = stat?;
        children.entry(stat.parent).or_default().push(stat);
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_walking_find_the_same_tree() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep runs");
        let found = |mut walk: Walk| {
            let mut pids = Vec::new();
            walk.descend(std::process::id(), &mut |stat| pids.push(stat.pid)).expect("the tree can be read");
            pids
        };
        let (listed, scanned) = (found(Walk::new()), found(Walk::over_all().expect("the table can be read")));
        child.kill().and_then(|()| child.wait()).expect("sleep ends");
        for pids in [listed, scanned] {
            assert_eq!(pids.first(), Some(&std::process::id()));
            assert!(pids.contains(&child.id()), "{pids:?}");
        }
    }
}
