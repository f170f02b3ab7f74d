//! The command line of `port-who`, and what it asks for.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use clap::{ArgAction, Parser};
use port_who::{Filter, PortSpec, Query, parse_pattern, parse_user};
use proc_tree::{
    cli::{
        args::Common,
        duration::parse_interval,
        slip::{Dictionary, Foreign},
        watch::Pace,
    },
    selection::parse_pid,
};
use regex::Regex;

/// What lsof, ss, netstat, fuser and others call it.
pub(super) const FOREIGN: Dictionary = &[
    (&["-n", "-P", "-nP", "-Pn", "-a", "-l", "-v", "--verbose", "--listen", "--listening", "--all"], Foreign::Nothing),
    (&["-sTCP:LISTEN", "-ltnp", "-lntp", "-ltpn", "-tlnp", "-tnlp", "-lnp", "-ltn", "-lt"], Foreign::Nothing),
    (&["-tulpn", "-tulnp", "-tunlp", "-tlpn", "-plnt", "-lntup", "-anp", "-antp"], Foreign::Nothing),
    (&["-i", "-i4", "-i6", "-ti", "-it", "--port", "--ports"], Foreign::Operand),
    (&["-t", "--terse"], Foreign::Option("--pids")),
    (&["-p"], Foreign::Option("--pid")),
    (&["-u"], Foreign::Option("--user")),
    (&["-c"], Foreign::Option("--name")),
    (&["-j", "-J"], Foreign::Option("--json")),
    (&["--method", "--protocol"], Foreign::Suffix("/")),
];

/// Lists who holds these ports: every process that listens, never a client.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Ports: 8000, 8000-8099, 8000,8005-8007, 53/udp, 127.0.0.1:8000, [::1]:8000; none means all
    #[arg(value_name = "PORT")]
    pub(super) ports: Vec<PortSpec>,

    /// What this process or any of its descendants holds
    #[arg(long = "pid", value_name = "PID", value_parser = parse_pid, action = ArgAction::Append, help_heading = "What to list")]
    pub(super) processes: Vec<u32>,

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

    /// Processes of this user only (of an owner that is not visible, the socket's user counts)
    #[arg(long, value_name = "NAME|UID", value_parser = parse_user, help_heading = "What to list")]
    user: Option<u32>,

    /// Processes of this name only; an owner that is not visible may be one, and is listed
    #[arg(long, value_name = "NAME", help_heading = "What to list")]
    name: Option<String>,

    /// Processes whose command line, joined by spaces, matches; an owner that is not visible may, and is listed
    #[arg(long = "match", value_name = "REGEX", value_parser = parse_pattern, help_heading = "What to list")]
    command: Option<Regex>,

    /// Connections too, with their other end, where either end is on a port: clients are listed
    #[arg(long, help_heading = "What to list")]
    pub(super) connections: bool,

    /// Sockets in other network namespaces too, such as containers' (Linux, root)
    #[arg(long, help_heading = "What to list")]
    pub(super) all_netns: bool,

    /// The parents of each holder, what started it, and whether it is an orphan
    #[arg(long, help_heading = "What to tell")]
    pub(super) why: bool,

    /// Print the first N ports (one without N) that are free: nobody listens and a server can bind them now; without PORT,
    /// random ones that the kernel does not hand out to clients
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = parse_count,
        help_heading = "What to tell",
        conflicts_with_all = ["processes", "user", "name", "command", "connections", "all_netns", "why", "watch", "count", "pids", "table"],
    )]
    pub(super) free: Option<u16>,

    /// Ask again each INTERVAL (2s without one): redraws on a terminal, elsewhere prints the full set each time
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2s",
        value_parser = parse_interval,
        help_heading = "What to tell",
    )]
    pub(super) watch: Option<Duration>,

    /// Stop watching after N rounds; implies --watch
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "What to tell",
    )]
    pub(super) count: Option<u64>,

    /// One JSON object per line
    #[arg(long, help_heading = "Output", conflicts_with_all = ["pids", "table"])]
    pub(super) json: bool,

    /// Bare PIDs, one per line (the default when stdout is not a terminal and PORT or --pid is given)
    #[arg(long, help_heading = "Output", conflicts_with = "table")]
    pub(super) pids: bool,

    /// A table (the default on a terminal, and without PORT and --pid)
    #[arg(long, help_heading = "Output")]
    pub(super) table: bool,

    /// OpenMetrics text, for Prometheus: a port that is asked for by itself is in it also where nobody holds it
    #[arg(
        long,
        help_heading = "Output",
        conflicts_with_all = ["json", "pids", "table", "connections", "free", "why", "watch", "count"]
    )]
    openmetrics: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

fn parse_count(text: &str) -> Result<u16, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or_else(|| format!("invalid count \"{text}\" for --free: expected how many ports, as in --free=3"))
}

/// The forms that an answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Pids,
    Table,
    OpenMetrics,
}

impl Arguments {
    pub(super) fn query(&self) -> Query {
        Query {
            ports: self.ports.clone(),
            tcp: self.tcp || !self.udp,
            udp: self.udp || !self.tcp,
            ipv4: self.ipv4 || !self.ipv6,
            ipv6: self.ipv6 || !self.ipv4,
            connections: self.connections,
            all_netns: self.all_netns,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        Filter { user: self.user, name: self.name.clone(), command: self.command.clone() }
    }

    /// Returns how often to ask; `None` for once.
    pub(super) fn interval(&self) -> Option<Duration> {
        Pace::interval(self.watch, self.count)
    }

    /// Tells whether only some holders are asked for.
    pub(super) fn is_filtered(&self) -> bool {
        !self.processes.is_empty() || self.user.is_some() || self.name.is_some() || self.command.is_some()
    }

    pub(super) fn format(&self) -> Format {
        match self {
            Self { json: true, .. } => Format::Json,
            Self { table: true, .. } => Format::Table,
            Self { pids: true, .. } => Format::Pids,
            Self { openmetrics: true, .. } => Format::OpenMetrics,
            // PIDs for `kill $(port-who $PORT)`, and never all of the machine's where that variable is not set
            _ if io::stdout().is_terminal() || (self.ports.is_empty() && self.processes.is_empty()) => Format::Table,
            _ => Format::Pids,
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/support/definition.rs"]
mod definition;
