//! The processes that were asked for: found, told apart from later ones with their PIDs, and folded into trees.

use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    time::{Duration, SystemTime},
};

use crate::{
    Identity, Stat,
    facts::full_name,
    process::{self, StartTime},
    tree,
};
use selection::Selected;

pub mod selection;

/// The root of a tree.
#[derive(Debug, Clone)]
pub struct Root {
    /// Which process it is.
    pub identity: Identity,
    /// When it started.
    started: StartTime,
    /// Its name.
    pub name: String,
    /// Its argument vector.
    pub command: Option<Vec<String>>,
    /// All processes that were asked for and are in this tree: the root first.
    pub pids: Vec<u32>,
}

impl Root {
    /// Takes a process as a root.
    pub fn new(stat: &Stat) -> Self {
        let mut root = Self {
            identity: stat.identity(),
            started: stat.started,
            name: String::new(),
            command: None,
            pids: vec![stat.pid],
        };
        root.look_again(stat);
        root
    }

    /// Reads name and command: both change when the process executes another program.
    pub(crate) fn look_again(&mut self, stat: &Stat) {
        let command = process::command(stat.pid).ok().flatten().filter(|_| !stat.has_ended());
        // one that is about to end has its command line no more
        if let Some(command) = command.filter(|words| !words.is_empty() || self.command.is_none()) {
            let executable = process::executable(stat.pid).ok().flatten();
            self.name = full_name(stat.name.clone(), Some(&command), executable.as_deref());
            self.command = Some(command);
        } else if self.name.is_empty() {
            self.name.clone_from(&stat.name);
        }
    }

    /// Returns when it started.
    pub(crate) fn started_at(&self) -> SystemTime {
        self.started.time()
    }

    /// Returns for how long it has run.
    pub(crate) fn uptime(&self, now: SystemTime) -> Duration {
        now.duration_since(self.started_at()).unwrap_or_default()
    }
}

/// A process that was asked for and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// No process has this PID.
    Gone(u32),
    /// The PID belongs to another process by now.
    Replaced(u32),
    /// It is the ID of a thread, and that of its process is the other one.
    Thread(u32, u32),
    /// The record named no process, since its owner could not be seen; it may have named a port.
    Invisible(Option<u16>),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(pid) => write!(f, "process {pid} does not exist"),
            Self::Replaced(pid) => write!(f, "process {pid} is gone; its PID belongs to another process now"),
            Self::Thread(id, pid) => write!(f, "{id} is no process but a thread of process {pid}"),
            Self::Invisible(Some(port)) => write!(f, "the process that holds port {port} is not visible to you"),
            Self::Invisible(None) => write!(f, "a process that was named is not visible to you"),
        }
    }
}

/// A process that was asked for cannot be looked at.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at process {pid}")]
pub struct Unreadable {
    pid: u32,
    source: io::Error,
}

/// Finds the roots of the trees that hold the selected processes. One that descends from another belongs to its tree.
///
/// # Errors
/// When a process cannot be looked at.
pub fn find(selected: &[Selected]) -> Result<(Vec<Root>, Vec<Missing>), Unreadable> {
    let (found, missing) = look_up_all(selected)?;
    Ok((fold(&found)?, missing))
}

/// Finds the same, each from the top of its job: the process above it that is of the same process group, and so was started
/// by the same line of a shell.
///
/// # Errors
/// When a process cannot be looked at.
pub fn find_jobs(selected: &[Selected]) -> Result<(Vec<Root>, Vec<Missing>), Unreadable> {
    let (mut found, missing) = look_up_all(selected)?;
    for index in 0..found.len() {
        let one = &found[index];
        let ancestors = tree::ancestors(one).map_err(|source| Unreadable { pid: one.pid, source })?;
        // a group outside this PID namespace reads as 0
        let top = ancestors.into_iter().take_while(|above| above.group == one.group && above.group != 0).last();
        found.extend(top.filter(|top| found.iter().all(|known| known.pid != top.pid)));
    }
    Ok((fold(&found)?, missing))
}

fn look_up_all(selected: &[Selected]) -> Result<(Vec<Stat>, Vec<Missing>), Unreadable> {
    let mut found: Vec<Stat> = Vec::new();
    let mut missing: Vec<Missing> = Vec::new();
    for one in selected {
        let looked_up = match one.pid {
            Some(pid) => look_up(pid, one).map_err(|source| Unreadable { pid, source })?,
            None => Err(Missing::Invisible(one.port)),
        };
        match looked_up {
            Ok(stat) if found.iter().any(|known| known.pid == stat.pid) => {}
            Ok(stat) => found.push(stat),
            Err(reason) if missing.contains(&reason) => {}
            Err(reason) => missing.push(reason),
        }
    }
    Ok((found, missing))
}

fn look_up(pid: u32, one: &Selected) -> io::Result<Result<Stat, Missing>> {
    if let Some(process) = process::of_thread(pid).ok().flatten() {
        return Ok(Err(Missing::Thread(pid, process)));
    }
    Ok(match process::stat(pid)?.filter(|stat| !stat.has_ended()) {
        None => Err(Missing::Gone(pid)),
        Some(stat) if !one.names(stat.identity())? => Err(Missing::Replaced(pid)),
        Some(stat) => Ok(stat),
    })
}

fn fold(found: &[Stat]) -> Result<Vec<Root>, Unreadable> {
    let given: HashSet<Identity> = found.iter().map(Stat::identity).collect();
    let mut roots: Vec<Root> = Vec::new();
    let mut below: HashMap<Identity, Vec<u32>> = HashMap::new();
    for stat in found {
        let ancestors = tree::ancestors(stat).map_err(|source| Unreadable { pid: stat.pid, source })?;
        match ancestors.iter().rev().map(Stat::identity).find(|ancestor| given.contains(ancestor)) {
            Some(top) => below.entry(top).or_default().push(stat.pid),
            None => roots.push(Root::new(stat)),
        }
    }
    for root in &mut roots {
        root.pids.extend(below.remove(&root.identity).unwrap_or_default());
    }
    Ok(roots)
}
