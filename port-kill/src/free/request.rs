//! What is asked for: which ports or processes, which of their holders, and how to stop those.

use std::time::Duration;

use port_who::{Filter, PortSpec};
use proc_tree::selection::Selected;

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
}
