//! Who has which socket open, as far as that can be seen.

use std::collections::{BTreeSet, HashMap};

use crate::socket::Socket;

/// The sockets that are looked for, by inode, each with the processes that have it open. A dual-stack socket may stand in two
/// tables: it is one here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Open {
    holders: HashMap<u64, BTreeSet<u32>>,
    /// How many processes could not be looked into, wholly or in part.
    pub(crate) unreadable: usize,
}

impl Open {
    /// Starts with nobody. What no process has open any more is not looked for.
    pub(crate) fn of(sockets: &[Socket]) -> Self {
        let inodes = sockets.iter().map(|socket| socket.inode).filter(|&inode| inode != 0);
        Self { holders: inodes.map(|inode| (inode, BTreeSet::new())).collect(), unreadable: 0 }
    }

    /// Tells whether no socket is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    /// Notes that a process has a socket open, if that one is looked for. It may have it open twice.
    pub(crate) fn note(&mut self, inode: u64, pid: u32) {
        if let Some(holders) = self.holders.get_mut(&inode) {
            holders.insert(pid);
        }
    }

    /// Returns the PIDs of a socket's holders in ascending order; none where no owner is visible.
    pub(crate) fn holders_of(&self, inode: u64) -> impl Iterator<Item = u32> {
        self.holders.get(&inode).into_iter().flatten().copied()
    }

    /// Returns the PIDs of all holders, each once.
    pub(crate) fn pids(&self) -> BTreeSet<u32> {
        self.holders.values().flatten().copied().collect()
    }

    /// Tells whether anybody who can be seen has any of the sockets open.
    pub(crate) fn is_held(&self) -> bool {
        self.holders.values().any(|holders| !holders.is_empty())
    }
}
