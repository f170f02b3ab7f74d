//! The command line of `port-who`: flags, exit statuses, and the way from one to the other.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use port_who::{Filter, PortSpec, Query, parse_pattern, parse_user};
use proc_tree::Signal;
use proc_tree::cli::{
    args::{self, Common},
    duration, signals,
};
use regex::Regex;

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Something was found, or done.
    Done = 0,
    /// Nothing holds the ports, or fewer are free than asked for.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The tool could not do its work.
    Failed = 125,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "something holds a port, visible or not; --free: so many are free"),
        ("1", "nothing does; --free: fewer are free"),
        ("2", "usage: a bad flag, port, user or pattern; nothing was done"),
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

/// How the tool ends: with a status of its own, or by a signal that it caught to give the terminal back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Status(Status),
    Signal(Signal),
}

impl From<Status> for Ending {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl Ending {
    /// Ends by the signal if it is one; otherwise tells the status to exit with.
    pub(crate) fn end(self) -> ExitCode {
        match self {
            Self::Status(status) => status.into(),
            Self::Signal(signal) => {
                signals::die_by(signal);
                Status::Failed.into()
            }
        }
    }
}

const EXAMPLES: &[(&str, &str)] = &[
    ("port-who 8000", "who holds port 8000"),
    ("kill $(port-who 8000)", "end every holder (port-kill also makes sure)"),
    ("port-who 8000-8099 --why", "who holds any of these, and who started it"),
    ("port-who --json | jq .port", "every listener, for a script"),
    ("port-who --free=2 8000-8099", "the first two of these that are free"),
];

/// Lists who holds these ports: every process that listens, never a client.
#[derive(Debug, Parser)]
#[command(version, after_help = format!("{}\n{}", args::examples(EXAMPLES), args::statuses(Status::HELP)))]
pub(crate) struct Cli {
    /// Ports: 8000, 8000-8099, 8000,8005-8007, 53/udp, 127.0.0.1:8000, [::1]:8000; none means all
    #[arg(value_name = "PORT")]
    pub(crate) ports: Vec<PortSpec>,

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
    pub(crate) connections: bool,

    /// Sockets in other network namespaces too, such as containers' (Linux, root)
    #[arg(long, help_heading = "What to list")]
    pub(crate) all_netns: bool,

    /// The parents of each holder, what started it, and whether it is an orphan
    #[arg(long, help_heading = "What to tell")]
    pub(crate) why: bool,

    /// Print the first N ports (one without N) that nobody holds and that can be bound now, of all from 1024 up without PORT
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = "What to tell",
        conflicts_with_all = ["user", "name", "command", "connections", "all_netns", "why", "watch", "pids", "table"],
    )]
    pub(crate) free: Option<u16>,

    /// Ask again each INTERVAL (2s without one): redraws on a terminal, elsewhere prints the full set each time
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2s",
        value_parser = duration::parse_interval,
        help_heading = "What to tell",
    )]
    pub(crate) watch: Option<Duration>,

    /// Stop watching after N rounds
    #[arg(
        long,
        value_name = "N",
        requires = "watch",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "What to tell",
    )]
    pub(crate) count: Option<u64>,

    /// One JSON object per line
    #[arg(long, help_heading = "Output", conflicts_with_all = ["pids", "table"])]
    pub(crate) json: bool,

    /// Bare PIDs, one per line (the default when stdout is not a terminal)
    #[arg(long, help_heading = "Output", conflicts_with = "table")]
    pub(crate) pids: bool,

    /// A table (the default on a terminal)
    #[arg(long, help_heading = "Output")]
    pub(crate) table: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Cli {
    pub(crate) fn query(&self) -> Query {
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

    pub(crate) fn filter(&self) -> Filter {
        Filter { user: self.user, name: self.name.clone(), command: self.command.clone() }
    }
}
