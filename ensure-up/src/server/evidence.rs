//! What is there: who holds a port, what these processes are, what is recorded. Gathered, not judged.

use std::{ffi::OsString, path::PathBuf};

use port_who::{LookError, Socket};
use proc_tree::{Facts, Identity, Stat, process, tree};

use super::{
    asker::Asker, folder::StateFolder, holding::Holding, port as listening, record::ServerRecord, seen::Seen,
    session::Root, started::Started,
};
use crate::{Port, Service};

/// What was seen of a port and of the server that should be there.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// The port; a server without one is its processes.
    pub(crate) port: Option<Port>,
    /// On whose behalf this is.
    pub(crate) asker: Asker,
    /// The command that is asked for on this port.
    pub(crate) command: Vec<OsString>,
    /// Every socket that listens there, with each process that holds it.
    pub(crate) holders: Vec<Holder>,
    /// The servers that are known to have been started on the port.
    pub(crate) known: Vec<Known>,
    /// How the paths of the service's own files on the port begin, its log's among them.
    pub(crate) files: Option<PathBuf>,
    /// Whether it may have been there before this call; beside a server that was just started, what else looks like it is
    /// another one.
    pub(crate) was_there: bool,
    /// Whether it gives the answer that only the server asked for gives; `None`: it was not asked.
    pub(crate) answers: Option<bool>,
}

/// A server that was started, by this call or as a record has it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// What it was started as.
    pub(crate) started: Started,
    /// The processes that were started, or are recorded, as the server.
    pub(crate) roots: Vec<Root>,
    /// Its log.
    pub(crate) log: Option<PathBuf>,
}

/// A socket and one process that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// Both of them.
    pub(crate) holding: Holding,
    /// The root in whose tree it was found, where only trees were looked at.
    pub(crate) root: Option<Identity>,
    /// The process itself and its ancestors, its parent first, as far as they can be seen.
    pub(crate) line: Vec<Seen>,
}

impl Known {
    /// Knows a server that this call started by its processes.
    pub(crate) fn of(started: Started, roots: &[Identity]) -> Self {
        Self { started, roots: roots.iter().map(|&root| Root::of(root)).collect(), log: None }
    }
}

impl From<&ServerRecord> for Known {
    fn from(record: &ServerRecord) -> Self {
        Self { log: record.log.clone(), ..Self::of(record.started(), &record.roots()) }
    }
}

impl Evidence {
    /// Looks at a port; where there is none, which of the known servers run.
    ///
    /// Most often it is held by what is known of it, and its descendants, alone: to see that costs far less than a look at
    /// all processes.
    ///
    /// # Errors
    /// When the socket table or the process table cannot be read.
    pub(crate) fn gather(port: Option<Port>, known: Vec<Known>) -> Result<Self, LookError> {
        let Some(held) = port else {
            let holders = running(&known);
            return Ok(Self { holders, ..Self::of(port, Vec::new(), known) });
        };
        Self::of_sockets(held, &listening::sockets(held)?, known)
    }

    /// Looks who has the sockets of a port open.
    ///
    /// # Errors
    /// When the socket table or the process table cannot be read.
    pub(crate) fn of_sockets(port: Port, sockets: &[Socket], known: Vec<Known>) -> Result<Self, LookError> {
        if sockets.is_empty() {
            return Ok(Self::of(Some(port), Vec::new(), known));
        }
        match held_by_trees(sockets, &known) {
            Some(holders) => Ok(Self { holders, ..Self::of(Some(port), Vec::new(), known) }),
            None => Ok(Self::of(Some(port), listening::look(port)?, known)),
        }
    }

    /// Adds to holders that were found already what can be seen of them.
    pub(crate) fn of(port: Option<Port>, holdings: Vec<Holding>, known: Vec<Known>) -> Self {
        let seen = |holding: Holding| {
            let line = holding.process.as_ref().map(line).unwrap_or_default();
            Holder { holding, root: None, line }
        };
        Self {
            port,
            asker: Asker::default(),
            command: Vec::new(),
            holders: holdings.into_iter().map(seen).collect(),
            known,
            files: None,
            was_there: true,
            answers: None,
        }
    }

    /// Adds what is asked for, to be compared with what is there.
    pub(crate) fn compared(self, state_folder: &StateFolder, service: &Service) -> Self {
        Self {
            asker: Asker::of(service),
            command: service.command(self.port),
            files: Some(state_folder.of_service(&service.id, self.port, "")),
            ..self
        }
    }
}

/// Lists the roots of the known servers that run.
fn running(known: &[Known]) -> Vec<Holder> {
    let roots = known.iter().flat_map(|known| &known.roots).map(|root| root.identity);
    let holder = |root: Identity| {
        Holding::of_running(root).map(|holding| Holder { holding, root: Some(root), line: Vec::new() })
    };
    roots.filter_map(holder).collect()
}

/// Finds the holders in these trees; `None` when a socket has none there. What cannot be read is not theirs for certain.
fn held_by_trees(sockets: &[Socket], known: &[Known]) -> Option<Vec<Holder>> {
    let mut members: Vec<(Stat, Identity)> = Vec::new();
    for root in known.iter().flat_map(|known| &known.roots).map(|root| root.identity) {
        let tree = tree::members(root.pid).unwrap_or_default();
        let is_alive = tree.first().is_some_and(|first| first.identity() == root);
        members.extend(tree.into_iter().filter(|_| is_alive).map(|stat| (stat, root)));
    }
    members.sort_unstable_by_key(|(stat, _)| stat.pid);
    members.dedup_by_key(|(stat, _)| stat.pid);
    let mut holders = Vec::new();
    for socket in sockets {
        let before = holders.len();
        for (stat, root) in &members {
            if port_who::holds(stat.pid, std::slice::from_ref(socket)).unwrap_or(false) {
                let process = Some(Facts::from_stat(stat.clone()));
                let holding = Holding { socket: Some(socket.clone()), process };
                holders.push(Holder { holding, root: Some(*root), line: Vec::new() });
            }
        }
        if holders.len() == before {
            return None;
        }
    }
    Some(holders)
}

/// Returns the process and its ancestors.
fn line(of: &Facts) -> Vec<Seen> {
    let stat = process::stat_of(of.identity()).ok().flatten();
    let ancestors = stat.and_then(|stat| tree::ancestors(&stat).ok()).unwrap_or_default();
    std::iter::once(of.clone()).chain(ancestors.into_iter().map(Facts::from_stat)).map(Seen::of).collect()
}
