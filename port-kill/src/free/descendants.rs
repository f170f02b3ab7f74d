//! What descended from each holder before it was signalled.

use std::{
    collections::{HashMap, HashSet},
    io,
};

use proc_tree::{Identity, Stat};

use super::recheck;
use crate::{
    outcome::{Outcome, Role},
    stop::{StopRun, Stopped},
};

/// What descended from each holder before it was signalled, with the holder.
#[derive(Debug, Default)]
pub(super) struct Descendants(Vec<(Identity, Stat)>);

impl Descendants {
    /// Takes in what descends from a holder.
    pub(super) fn add(&mut self, holder: Identity, below: Vec<Stat>) {
        self.0.extend(below.into_iter().map(|below| (holder, below)));
    }

    /// Tells what would be done to them beside what would be done to these.
    pub(super) fn rehearse(&self, stop: &StopRun<'_>, stopped: &mut Vec<Stopped>) {
        let mut seen: HashSet<Identity> = stopped.iter().map(|one| one.identity).collect();
        for (root, stat) in self.0.iter().filter(|(_, stat)| seen.insert(stat.identity())) {
            let signal = Some(stop.first_signal(Role::Descendant, &stat.name));
            stopped.push(Stopped { signal, ..Stopped::descendant(stat, *root, Outcome::WouldSignal) });
        }
    }

    /// Adds what a supervisor left of its server's tree to those that are stopped; tells whether there was anything.
    pub(super) fn add_orphans(&self, stop: &mut StopRun<'_>) -> bool {
        let mut any = false;
        for (root, stat) in &self.0 {
            if !stop.knows(stat.identity()) && stat.identity().is_running().unwrap_or(false) {
                stop.add_descendant(stat, *root);
                any = true;
            }
        }
        any
    }

    /// Returns those that outlive their server, each with it; of those that were stopped or `spared` more is known.
    pub(super) fn left_behind(
        &self,
        stopped: &[Stopped],
        spared: impl Iterator<Item = Identity>,
    ) -> io::Result<Vec<(Identity, Stat)>> {
        let mut seen: HashSet<Identity> = stopped.iter().map(|one| one.identity).chain(spared).collect();
        let is_over = |one: &&Stopped| one.outcome.is_end();
        let over: HashSet<Identity> = stopped.iter().filter(is_over).map(|one| one.identity).collect();
        let mut roots: HashMap<Identity, Identity> = HashMap::new();
        let mut orphans = Vec::new();
        for (root, stat) in self.0.iter().filter(|(root, _)| over.contains(root)) {
            if seen.insert(stat.identity()) {
                roots.insert(stat.identity(), *root);
                orphans.push(stat.clone());
            }
        }
        let left = recheck::left_behind(orphans)?;
        Ok(left.into_iter().map(|stat| (roots[&stat.identity()], stat)).collect())
    }
}
