//! Stopping a server whole: its tree and its session, with the library of port-kill.

use std::{io, time::Duration};

use port_kill::{Outcome, StopOptions, Stopped};
use proc_tree::{Identity, Signal};

use crate::{Failure, ServerProcesses, Service};

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// What is sent first.
    pub(crate) signal: Signal,
    /// How long it may take before SIGKILL.
    pub(crate) grace: Duration,
}

impl Manner {
    /// Stops as the service asks for.
    pub(crate) fn of(service: &Service) -> Self {
        Self { signal: service.spec.stop_signal, grace: service.spec.grace }
    }
}

/// Stops a server and all that is found of it; returns what is left.
///
/// Where not all of it can be found, what is known of it is stopped; where that cannot be opened, its process group is
/// killed.
///
/// # Errors
/// When the kernel does not let the processes be looked at or waited for.
pub(crate) fn stop(processes: &ServerProcesses, manner: Manner) -> io::Result<Vec<Stopped>> {
    let whole = processes.whole().unwrap_or_else(|_| processes.roots().to_vec());
    stop_trees(&whole, manner).inspect_err(|_| processes.kill_group())
}

/// Stops these processes and all that descends from them or is of their sessions; returns what is left.
///
/// # Errors
/// As [`stop`].
pub(crate) fn stop_trees(roots: &[Identity], manner: Manner) -> io::Result<Vec<Stopped>> {
    let Manner { signal, grace } = manner;
    let options = StopOptions { signal: Some(signal), grace, tree: true, session: true, ..StopOptions::default() };
    let stopped = port_kill::stop(roots, &options, None)?;
    let is_left = |one: &Stopped| !matches!(one.outcome, Outcome::Terminated | Outcome::Killed | Outcome::Gone);
    Ok(stopped.into_iter().filter(is_left).collect())
}

/// Makes it a failure that something is left.
pub(crate) fn nothing_left(port: u16, left: &[Stopped]) -> Result<(), Failure> {
    let Some(one) = left.first() else { return Ok(()) };
    let reason = one.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    Err(Failure::NotStopped { port, what: format!("{} ({}){reason}", one.name, one.identity) })
}
