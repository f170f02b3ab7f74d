//! Where a process comes from: its line of parents, what started it, and whether anybody still looks after it.

mod manager;
mod orphan;
mod owner;
mod program;
mod service;
mod shell;
mod starter;

use std::{collections::HashMap, io};

use proc_tree::{Facts, Stat, process, tree};

pub use manager::{Manager, short_id};
pub(crate) use orphan::is_orphan;
pub use owner::manager;
pub use program::{Program, Role, program};
use service::Service;
pub use starter::{StartedBy, StarterKind};

/// Where a process comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Its parent, the parent's parent, and so on to the first process.
    pub ancestors: Vec<Facts>,
    /// What started it, where that can be told.
    pub started_by: Option<StartedBy>,
    /// Whether its parent ended and nobody owns it; `None` where the parent cannot be seen.
    pub orphan: Option<bool>,
}

/// Origins by PID.
pub type Origins = HashMap<u32, Origin>;

/// Finds out where processes come from; one that has ended is missing.
///
/// # Errors
/// When a process on the way up cannot be looked at.
pub fn origins<'p>(processes: impl IntoIterator<Item = &'p Facts>) -> io::Result<Origins> {
    let mut origins = Origins::new();
    for process in processes {
        if !origins.contains_key(&process.pid) {
            origins.extend(Origin::of(process)?.map(|origin| (process.pid, origin)));
        }
    }
    Ok(origins)
}

impl Origin {
    /// Finds out where a process comes from; `None` when it has ended.
    ///
    /// # Errors
    /// When a process on the way up cannot be looked at.
    pub fn of(process: &Facts) -> io::Result<Option<Self>> {
        let Some(stat) = process::stat_of(process.identity())? else {
            return Ok(None);
        };
        let ancestors = lineage(tree::ancestors(&stat)?);
        let service = Service::of(std::iter::once(process).chain(&ancestors));
        let mut started_by = starter::starter(&ancestors, owner::owner(process).as_ref(), service.as_ref());
        if started_by.is_none() {
            started_by = starter::starter(&session(process, &ancestors)?, None, None);
        }
        Ok(Some(Self { ancestors, started_by, orphan: is_orphan(process) }))
    }
}

fn lineage(ancestors: Vec<Stat>) -> Vec<Facts> {
    ancestors.into_iter().map(Facts::from_stat).collect()
}

/// The session's leader and its ancestors, where they are not the process's own: it may still say where an orphan was born.
fn session(process: &Facts, ancestors: &[Facts]) -> io::Result<Vec<Facts>> {
    let known = process.session == process.pid || ancestors.iter().any(|ancestor| ancestor.pid == process.session);
    // a leader that may not be looked at (hidepid in proc(5)) says nothing
    let leader = if known || process.session == 0 { None } else { process::stat(process.session).ok().flatten() };
    let Some(leader) = leader.filter(|leader| leader.started.time() <= process.started_at) else {
        return Ok(Vec::new());
    };
    let above = tree::ancestors(&leader)?;
    Ok(lineage(std::iter::once(leader).chain(above).collect()))
}
