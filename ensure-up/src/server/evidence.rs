//! What is there: who holds a port, what these processes are, what is recorded. Gathered, not judged.

use nix::unistd::geteuid;
use port_who::{Holding, LookError, Socket};
use proc_tree::{Facts, Identity, process, tree};

use crate::server::{port, session::Root};

/// What was seen of a port and of the server that should be there.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The port.
    pub(crate) port: u16,
    /// The user on whose behalf this is.
    pub(crate) user: u32,
    /// Every socket that listens there, with each process that holds it.
    pub(crate) holders: Vec<Holder>,
    /// The processes that were started, or are recorded, as the server.
    pub(crate) roots: Vec<Root>,
    /// Whether it may have been there before this call; beside a server that was just started, what else looks like it is
    /// another one.
    pub(crate) was_there: bool,
    /// Whether it gives the answer that only the server asked for gives; `None`: it was not asked.
    pub(crate) answers: Option<bool>,
}

/// A socket and one process that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// Both of them.
    pub(crate) holding: Holding,
    /// The root in whose tree it was found, where only trees were looked at.
    pub(crate) root: Option<Identity>,
    /// The process's ancestors, its parent first, as far as they can be seen.
    pub(crate) ancestors: Vec<Facts>,
}

impl Evidence {
    /// Looks at a port.
    ///
    /// Most often it is held by `roots` and their descendants alone: to see that costs far less than a look at all
    /// processes.
    ///
    /// # Errors
    /// When the socket table or the process table cannot be read.
    pub(crate) fn gather(port: u16, roots: &[Identity]) -> Result<Self, LookError> {
        let sockets = port::sockets(port)?;
        if sockets.is_empty() {
            return Ok(Self::of(port, Vec::new(), roots));
        }
        match held_by_trees(&sockets, roots) {
            Some(holders) => Ok(Self { holders, ..Self::of(port, Vec::new(), roots) }),
            None => Ok(Self::of(port, port::look(port)?.holdings, roots)),
        }
    }

    /// Adds to holders that were found already what can be seen of them.
    pub(crate) fn of(port: u16, holdings: Vec<Holding>, roots: &[Identity]) -> Self {
        let with_ancestors = |holding: Holding| {
            let ancestors = holding.process.as_ref().map(ancestors).unwrap_or_default();
            Holder { holding, root: None, ancestors }
        };
        Self {
            port,
            user: geteuid().as_raw(),
            holders: holdings.into_iter().map(with_ancestors).collect(),
            roots: roots.iter().map(|&root| Root::of(root)).collect(),
            was_there: true,
            answers: None,
        }
    }
}

/// Finds the holders in these trees; `None` when a socket has none there. What cannot be read is not theirs for certain.
fn held_by_trees(sockets: &[Socket], roots: &[Identity]) -> Option<Vec<Holder>> {
    let mut members: Vec<(u32, Identity)> = Vec::new();
    for &root in roots {
        let tree = tree::members(root.pid).unwrap_or_default();
        let is_alive = tree.first().is_some_and(|first| first.identity() == root);
        members.extend(tree.iter().filter(|_| is_alive).map(|stat| (stat.pid, root)));
    }
    members.sort_unstable_by_key(|&(pid, _)| pid);
    members.dedup_by_key(|&mut (pid, _)| pid);
    let mut holders = Vec::new();
    for socket in sockets {
        let before = holders.len();
        for &(pid, root) in &members {
            if port_who::holds(pid, std::slice::from_ref(socket)).unwrap_or(false) {
                let process = Facts::of(pid).ok().flatten()?;
                let holding = Holding { socket: socket.clone(), process: Some(process) };
                holders.push(Holder { holding, root: Some(root), ancestors: Vec::new() });
            }
        }
        if holders.len() == before {
            return None;
        }
    }
    Some(holders)
}

fn ancestors(of: &Facts) -> Vec<Facts> {
    let stat = process::stat(of.pid).ok().flatten().filter(|stat| stat.identity() == of.identity());
    let line = stat.and_then(|stat| tree::ancestors(&stat).ok()).unwrap_or_default();
    line.into_iter().map(Facts::from_stat).collect()
}
