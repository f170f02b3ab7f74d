//! The arguments of `health-wait`.

use std::{ffi::OsString, time::Duration};

use clap::Parser;
use health_wait::{Goal, ProbeOptions, Target};
use proc_tree::{
    cli::{args::Common, duration},
    selection,
};

/// Blocks until it is healthy: servers, sockets, files, processes, free ports.
#[derive(Debug, Parser)]
#[command(version, override_usage = "health-wait [OPTIONS] TARGET... [-- CMD...]")]
pub(crate) struct Arguments {
    /// What to wait for: http://…, https://…, host:port, :port, tcp://host:port, unix:/path, http+unix:/path:/health,
    /// grpc://host:port[/service], grpcs://…, file:/path, exec:COMMAND (ends with 0), pid:N, port-free:8000 (a server can
    /// bind it)
    #[arg(value_name = "TARGET", required_unless_present = "generate")]
    pub(super) targets: Vec<Target>,

    /// What to execute once it is healthy
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,

    /// The first target will do, instead of all
    #[arg(long)]
    pub(super) any: bool,

    /// The reverse: wait until it is gone, a connection refused or impossible (where contents are expected: until no answer
    /// has them)
    #[arg(long)]
    pub(super) down: bool,

    /// Ask once: status 0 or 1
    #[arg(long, conflicts_with_all = ["consecutive", "stable"])]
    pub(super) once: bool,

    /// End with status 3 when this process ends
    #[arg(long, value_name = "PID", value_parser = selection::parse_pid)]
    pub(super) pid: Option<u32>,

    /// How long to wait (0: for as long as it takes)
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse, help_heading = "Timing")]
    timeout: Duration,

    #[command(flatten)]
    pub(super) options: ProbeOptions,

    /// Print one JSON object per target
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

impl Arguments {
    /// Returns what is waited for.
    pub(super) fn goal(&self) -> Goal {
        if self.down { Goal::Down } else { Goal::Up }
    }

    /// Returns for how long; `None`: for as long as it takes.
    pub(super) fn timeout(&self) -> Option<Duration> {
        Some(self.timeout).filter(|timeout| !timeout.is_zero())
    }
}

#[cfg(test)]
#[path = "../../../tests/support/definition.rs"]
mod definition;
