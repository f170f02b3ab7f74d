//! What is asked for: which ports or processes, which of their holders, and how to stop those.

use std::{collections::BTreeSet, time::Duration};

use port_who::{Filter, PortSpec};
use proc_tree::{selection::Selected, users};

use crate::stop::StopOptions;

/// Ports to be freed, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be freed.
    pub target: Target,
    /// Which holders are meant; the others keep their ports.
    pub filter: Filter,
    /// How they are stopped.
    pub options: StopOptions,
    /// Only tell what would be signalled.
    pub dry_run: bool,
    /// For how long to watch that the ports stay free.
    pub settle: Duration,
}

/// What is to be freed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// These ports, whoever holds them.
    Ports(Vec<PortSpec>),
    /// What these processes hold, or the port that each is said to hold.
    Processes(Vec<Selected>),
}

impl Request {
    /// Asks for all holders to be stopped as [`StopOptions::default`] says.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            filter: Filter::default(),
            options: StopOptions::default(),
            dry_run: false,
            settle: Duration::ZERO,
        }
    }

    /// Words the request as it is typed, for those of its ports that are still held. Nothing may be left out that would have
    /// others stopped, or in another way.
    pub(super) fn words(&self, held: &BTreeSet<u16>) -> Vec<String> {
        let (filter, options, usual) = (&self.filter, &self.options, StopOptions::default());
        let flags = [("-n", self.dry_run), ("--tree", options.tree), ("--no-escalate", !options.escalate)];
        let values = [
            ("--signal", options.signal.map(|signal| signal.to_string())),
            ("--grace", (options.grace != usual.grace).then(|| format!("{}ms", options.grace.as_millis()))),
            ("--name", filter.name.clone()),
            ("--match", filter.command.as_ref().map(ToString::to_string)),
            ("--user", filter.user.map(users::title)),
        ];
        let mut words: Vec<String> = Vec::new();
        words.extend(flags.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag.to_owned()));
        words.extend(values.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?])).flatten());
        match &self.target {
            Target::Ports(specs) => {
                let is_held = |spec: &&PortSpec| spec.ports().any(|port| held.contains(&port));
                words.extend(specs.iter().filter(is_held).map(PortSpec::to_string));
            }
            Target::Processes(_) => words.push("-".to_owned()),
        }
        words
    }
}
