//! The command line of `port-who`: flags, exit statuses, and the way from one to the other.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;
use port_who::{Answer, PortSpec, Query, look, report};
use proc_tree::{
    command_line::{Common, OutputError},
    terminal::Look,
};

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Something was found, or done.
    Done = 0,
    /// Nothing holds the ports.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The tool could not do its work.
    Failed = 125,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "something holds a port, also where its owner is not visible"),
        ("1", "nothing does"),
        ("2", "usage: a bad flag, port or pattern; nothing was done"),
        ("125", "port-who itself could not do its work"),
    ];

    /// Tells which status a failure ends with.
    pub(crate) fn from_error(_error: &anyhow::Error) -> Self {
        Self::Failed
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Lists who holds these ports: every process that listens, never a client.
#[derive(Debug, Parser)]
#[command(version, after_help = proc_tree::command_line::statuses(Status::HELP))]
pub(crate) struct Cli {
    /// Ports: 8000, 8000-8099, 8000,8005-8007, 53/udp, 127.0.0.1:8000, [::1]:8000; none means all
    #[arg(value_name = "PORT")]
    ports: Vec<PortSpec>,

    /// TCP only
    #[arg(long, help_heading = "What to list")]
    tcp: bool,

    /// UDP only
    #[arg(long, help_heading = "What to list")]
    udp: bool,

    /// IPv4 only
    #[arg(short = '4', help_heading = "What to list")]
    ipv4: bool,

    /// IPv6 only
    #[arg(short = '6', help_heading = "What to list")]
    ipv6: bool,

    /// Connections too, with their other end: clients are listed
    #[arg(long, help_heading = "What to list")]
    connections: bool,

    /// One JSON object per line
    #[arg(long, help_heading = "Output", conflicts_with_all = ["pids", "table"])]
    json: bool,

    /// Bare PIDs, one per line (the default when stdout is not a terminal)
    #[arg(long, help_heading = "Output", conflicts_with = "table")]
    pids: bool,

    /// A table (the default on a terminal)
    #[arg(long, help_heading = "Output")]
    table: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Cli {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Status> {
        let answer = look(&self.query())?;
        self.report(&answer, out)?;
        if let Some(holding) = answer.invisible().next().filter(|_| !self.common.quiet) {
            let hint = format!("hint: sudo port-who {} shows the process", holding.socket.local.port());
            let _ = writeln!(io::stderr(), "{hint}");
        }
        Ok(if answer.holdings.is_empty() { Status::No } else { Status::Done })
    }

    fn query(&self) -> Query {
        Query {
            ports: self.ports.clone(),
            tcp: self.tcp || !self.udp,
            udp: self.udp || !self.tcp,
            ipv4: self.ipv4 || !self.ipv6,
            ipv6: self.ipv6 || !self.ipv4,
            connections: self.connections,
        }
    }

    fn report(&self, answer: &Answer, out: &mut dyn Write) -> Result<(), OutputError> {
        let stdout = io::stdout();
        if self.json {
            report::json(answer, out)?;
        } else if self.table || (stdout.is_terminal() && !self.pids) {
            report::table(answer, out, &Look::of(&stdout, self.common.color))?;
        } else {
            report::pids(answer, out)?;
        }
        Ok(())
    }
}
