//! The processes of whole trees, those that left one by a double fork included where that is certain.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    io,
};

use proc_tree::{Identity, Stat, process, tree};

use crate::namespace;

/// Trees of processes.
#[derive(Debug, Default)]
pub(super) struct Trees {
    /// Those that run and can be seen, by PID.
    members: BTreeMap<u32, Stat>,
    /// Those that are known to be there and that /proc hides (`hidepid` in proc(5)).
    pub(super) hidden: BTreeSet<u32>,
}

impl Trees {
    /// Reads the trees of these processes; one that has ended has none.
    ///
    /// All of a session descends from its leader: where the root leads one, whatever is in it belongs to the tree.
    pub(super) fn of(roots: &[Identity]) -> io::Result<Self> {
        let mut trees = Self::default();
        for root in roots {
            match process::stat_of(*root) {
                Err(error) if is_hidden(&error) => {
                    trees.hidden.insert(root.pid);
                }
                stat => {
                    if let Some(stat) = stat? {
                        trees.add(root.pid)?;
                        trees.add_session(&stat)?;
                    }
                }
            }
        }
        trees.hidden.extend(trees.hidden_children());
        Ok(trees)
    }

    fn add(&mut self, root: u32) -> io::Result<()> {
        let running = tree::members(root)?.into_iter().filter(|stat| !stat.has_ended());
        self.members.extend(running.map(|stat| (stat.pid, stat)));
        Ok(())
    }

    fn add_session(&mut self, leader: &Stat) -> io::Result<()> {
        if leader.session != leader.pid {
            return Ok(());
        }
        for stat in process::visible()? {
            let stat = stat?;
            if stat.session == leader.session && !self.members.contains_key(&stat.pid) {
                self.add(stat.pid)?;
            }
        }
        Ok(())
    }

    /// Returns the children that are listed and cannot be seen. Where the kernel keeps no lists, nothing is hidden either.
    fn hidden_children(&self) -> Vec<u32> {
        let children =
            self.members.values().flat_map(|stat| process::children(stat.pid, stat.threads).unwrap_or_default());
        let unseen = children.filter(|child| !self.members.contains_key(child));
        unseen.filter(|&child| process::stat(child).is_err_and(|error| is_hidden(&error))).collect()
    }

    /// Returns the PIDs of all that can be seen.
    pub(super) fn pids(&self) -> impl Iterator<Item = u32> {
        self.members.keys().copied()
    }

    /// Returns the name of a process, as far as it can be seen.
    pub(super) fn name(&self, pid: u32) -> Option<String> {
        self.members.get(&pid).map(Stat::whole_name)
    }

    /// Picks one process of each network namespace that is not the caller's own.
    pub(super) fn in_other_networks(&self) -> Vec<u32> {
        let mut seen: HashSet<u64> = namespace::own().into_iter().collect();
        self.pids().filter(|&pid| namespace::of(pid).is_some_and(|network| seen.insert(network))).collect()
    }
}

fn is_hidden(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
