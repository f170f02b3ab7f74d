//! The command line of `ensure-up`: flags, exit statuses, and the way from one to the other.

mod options;
mod run;
mod servers;
mod services;
mod watch;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use health_wait::Settings;
use proc_tree::Signal;
use proc_tree::cli::{args::Common, duration};

use options::Options;

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// It is up and healthy.
    Done = 0,
    /// A server that was named is not up.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The command ended before it was ready.
    Ended = 3,
    /// The port is somebody else's, or the server said that it failed.
    Foreign = 4,
    /// The circuit breaker is open.
    Broken = 5,
    /// The deadline passed.
    Deadline = 124,
    /// The tool could not do its work.
    Failed = 125,
    /// The command cannot be executed.
    NotExecutable = 126,
    /// The command was not found.
    NotFound = 127,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "the server is up and healthy; with --then, the status of its command"),
        ("1", "a server named to --status or --logs is not there"),
        ("2", "usage: a bad flag, port, target, duration or file; nothing was done"),
        ("3", "the command ended before it was ready"),
        ("4", "another program holds the port, or the server said that it failed"),
        ("5", "the circuit breaker is open: it crashed too often"),
        ("124", "the deadline passed"),
        ("125", "ensure-up itself could not do its work"),
        ("126, 127", "the command could not be executed, was not found"),
    ];
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With a status of its own.
    With(Status),
    /// With that of a command.
    Code(u8),
    /// By a signal.
    By(Signal),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::With(status) => Self::from(status as u8),
            Exit::Code(code) => Self::from(code),
            Exit::By(signal) => {
                proc_tree::cli::signals::die_by(signal);
                Self::from(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX))
            }
        }
    }
}

/// The arguments make no sense together.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct UsageError {
    what: String,
    /// What was probably meant.
    pub(crate) hint: Option<String>,
}

impl UsageError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }
}

const EXAMPLES: &str = "\
Examples:
  ensure-up --port 8000 -- python3 -m http.server {port}
  ensure-up --port 8000 --health /health -- uv run punie serve
  ensure-up --port 3000 --then 'npm test' -- npm start
  ensure-up --all --profile dev
  ensure-up --status
  ensure-up --stop 8000
";

/// Starts a server only if it is not up: exactly one, surely yours, surely healthy.
#[derive(Debug, Parser)]
#[command(
    version,
    override_usage = "ensure-up [OPTIONS] --port PORT[-PORT] -- CMD [ARG]...\n       ensure-up [OPTIONS] NAME...|--all\n       ensure-up --status|--stop|--logs [NAME]...",
    args_override_self = true,
    after_help = format!("{EXAMPLES}\n{}", proc_tree::cli::args::statuses(Status::HELP))
)]
pub(crate) struct Cli {
    /// Names of servers, or their ports
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// The server's command; {port} is replaced in it
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,

    #[command(flatten)]
    options: Options,

    /// Run this in the shell while the server is up, then stop what was started; its status is the exit status
    #[arg(long, value_name = "CMD", conflicts_with = "foreground", help_heading = "While it is up")]
    then: Option<OsString>,

    /// Stay attached: log to stderr too, pass signals on, end with the server's status
    #[arg(long, help_heading = "While it is up")]
    foreground: bool,

    /// List the servers: where they are, whether they are healthy, what they use
    #[arg(long, conflicts_with_all = ["stop", "logs"], help_heading = "Servers that were started")]
    status: bool,

    /// Stop servers, with all their processes
    #[arg(long, conflicts_with = "logs", help_heading = "Servers that were started")]
    stop: bool,

    /// Print a server's log
    #[arg(long, help_heading = "Servers that were started")]
    logs: bool,

    /// With --logs: go on printing what comes
    #[arg(short = 'f', requires = "logs", help_heading = "Servers that were started")]
    follow_log: bool,

    /// All services of the file; with --stop, all servers
    #[arg(long, help_heading = "Services file")]
    all: bool,

    /// The services file (default: ensure-up.toml in this folder or the nearest above it)
    #[arg(long, value_name = "FILE", help_heading = "Services file")]
    file: Option<PathBuf>,

    /// Lay the tables [profile.PROFILE.NAME] over those of the services
    #[arg(long, value_name = "PROFILE", help_heading = "Services file")]
    profile: Option<String>,

    /// Start one service after the other
    #[arg(long, help_heading = "Services file")]
    sequential: bool,

    /// With --status: again and again
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = duration::parse_interval, requires = "status", help_heading = "Servers that were started")]
    watch: Option<Duration>,

    /// One JSON object per server
    #[arg(long, help_heading = "Output", conflicts_with_all = ["pids", "table"])]
    json: bool,

    /// The PIDs that hold the port, one per line (the default when stdout is not a terminal)
    #[arg(long, help_heading = "Output", conflicts_with = "table")]
    pids: bool,

    /// What was done, in words (the default on a terminal)
    #[arg(long, help_heading = "Output")]
    table: bool,

    /// Be the supervisor of the server on this port: how --keep-up starts itself
    #[arg(long, value_name = "PORT", hide = true)]
    supervise: Option<u16>,

    #[command(flatten)]
    pub(crate) common: Common,

    /// The options of the health check that were given.
    #[arg(skip)]
    probe: Vec<String>,

    /// All options of a server that were given.
    #[arg(skip)]
    given: Vec<String>,
}

impl Cli {
    /// Parses the process's arguments.
    pub(crate) fn parse_arguments() -> Result<Self, clap::Error> {
        Self::from_matches(&Self::command().try_get_matches()?)
    }

    fn from_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let cli = Self::from_arg_matches(matches)?;
        Ok(Self { probe: options::given::<Settings>(matches), given: options::given::<Options>(matches), ..cli })
    }
}
