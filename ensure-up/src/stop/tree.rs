//! Stopping a server: its whole tree and its session, with the library of port-kill.

use std::{io, time::Duration};

use port_kill::{Outcome, StopOptions, Stopped};
use proc_tree::Identity;
use proc_tree::Signal;

use crate::{Failure, server::standing};

/// How long what is killed may take to be gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Stops these processes and all that descends from them or is of their sessions; returns what is left.
pub(crate) fn stop(roots: &[Identity], signal: Signal, grace: Duration) -> io::Result<Vec<Stopped>> {
    let options = StopOptions { signal: Some(signal), grace, tree: true, session: true, ..StopOptions::default() };
    let stopped = port_kill::stop(roots, &options, None)?;
    let is_left = |one: &Stopped| !matches!(one.outcome, Outcome::Terminated | Outcome::Killed | Outcome::Gone);
    Ok(stopped.into_iter().filter(is_left).collect())
}

/// Stops what holds a port, and makes sure that nobody does.
pub(crate) fn stop_port(port: u16, roots: &[Identity], signal: Signal, grace: Duration) -> Result<(), Failure> {
    let left = stop(roots, signal, grace).map_err(Failure::system("stop the server"))?;
    if let Some(one) = left.first() {
        let reason = one.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        return Err(Failure::NotStopped { port, what: format!("{} ({}){reason}", one.name, one.identity) });
    }
    let holdings = standing::look(port).map_err(crate::ReadyError::from)?.holdings;
    match holdings.first() {
        None => Ok(()),
        Some(holding) => {
            let holder = holding.process.as_ref().map_or_else(
                || "a process that is not visible".into(),
                |process| format!("{} ({})", process.name, process.pid),
            );
            Err(Failure::NotStopped { port, what: format!("{holder} holds it now") })
        }
    }
}
