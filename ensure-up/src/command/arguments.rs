//! The command line of `ensure-up`.

use std::{env, ffi::OsString, io, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Command, FromArgMatches, Id, Parser, parser::ValueSource};
use ensure_up::{ServiceSpec, StateFolder, report::start_record::StartRecord, stop::manner::Asked};
use proc_tree::cli::{args::Common, duration, status::UsageError, terminal::Look, watch::Pace};

use super::{own_line, words};

/// Starts a server only if it is not up: exactly one, surely yours, surely healthy.
#[derive(Debug, Parser)]
#[command(
    version,
    override_usage = "ensure-up [OPTIONS] --port PORT[-PORT] -- CMD [ARG]...\n       ensure-up [OPTIONS] --name NAME -- CMD [ARG]...\n       ensure-up [OPTIONS] NAME...|--all\n       ensure-up --status|--stop|--logs [NAME]...",
    group = ArgGroup::new("known").args(["status", "stop", "logs"]).multiple(true)
)]
pub(crate) struct Arguments {
    /// Names of servers, or their ports
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,

    #[command(flatten)]
    pub(super) spec: ServiceSpec,

    /// Run this in the shell while it is up, then stop what was started, unless another --then uses it; its status is the exit status
    #[arg(long, value_name = "CMD", conflicts_with = "known", help_heading = "While it is up")]
    pub(super) then: Option<OsString>,

    /// Stay attached: logs to stderr too, pass signals on, end with the server's status; stop what was started
    #[arg(long, conflicts_with = "known", help_heading = "While it is up")]
    pub(super) foreground: bool,

    /// List the servers: where they are, whether they are healthy, what they use
    #[arg(long, conflicts_with_all = ["stop", "logs"], help_heading = "Servers that were started")]
    pub(super) status: bool,

    /// Stop servers, with all their processes
    #[arg(long, conflicts_with = "logs", help_heading = "Servers that were started")]
    pub(super) stop: bool,

    /// Print the logs of servers, several line by line behind their names
    #[arg(long, help_heading = "Servers that were started")]
    pub(super) logs: bool,

    /// With --logs: go on printing what comes
    #[arg(short = 'f', requires = "logs", help_heading = "Servers that were started")]
    pub(super) follow_log: bool,

    /// With --logs: the last N lines of each, rotated logs included
    #[arg(long, value_name = "N", requires = "logs", conflicts_with_all = ["status", "stop"], help_heading = "Servers that were started")]
    pub(super) tail: Option<u64>,

    /// With --status, --stop and --logs: all of the user's servers, not those of this folder alone
    #[arg(long, requires = "known", help_heading = "Servers that were started")]
    pub(super) everywhere: bool,

    /// All services of the file
    #[arg(long, help_heading = "Services file")]
    pub(super) all: bool,

    /// Write the services file of this folder from what runs here
    #[arg(long, conflicts_with_all = ["all", "known", "then", "foreground"], help_heading = "Services file")]
    pub(super) init: bool,

    /// The services file (default: ensure-up.toml in this folder or the nearest above it)
    #[arg(long, value_name = "FILE", help_heading = "Services file")]
    pub(super) file: Option<PathBuf>,

    /// Lay the tables [profile.PROFILE.NAME] over those of the services
    #[arg(long, value_name = "PROFILE", help_heading = "Services file")]
    pub(super) profile: Option<String>,

    /// Start one service after the other
    #[arg(long, help_heading = "Services file")]
    pub(super) sequential: bool,

    /// With --status: again and again
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = duration::parse_interval, requires = "status", help_heading = "Servers that were started")]
    pub(super) watch: Option<Duration>,

    /// With --status: stop watching after N rounds; implies --watch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), requires = "status", help_heading = "Servers that were started")]
    pub(super) count: Option<u64>,

    /// Print the PID, the port or the URL of each server that is asked for and up, one per line: pid, port or url
    #[arg(
        long,
        value_name = "WHAT",
        hide_possible_values = true,
        help_heading = "Output",
        conflicts_with_all = ["json", "pids", "table", "known"]
    )]
    pub(super) print: Option<Print>,

    /// One JSON object per server
    #[arg(long, help_heading = "Output", conflicts_with_all = ["pids", "table"])]
    pub(super) json: bool,

    /// The PIDs that hold the port, one per line
    #[arg(long, help_heading = "Output", conflicts_with = "table")]
    pub(super) pids: bool,

    /// With --status: OpenMetrics text, for Prometheus
    #[arg(long, help_heading = "Output", requires = "status", conflicts_with_all = ["json", "pids", "table", "watch", "count"])]
    pub(super) openmetrics: bool,

    /// With --status: a table (the default)
    #[arg(long, help_heading = "Output")]
    pub(super) table: bool,

    /// Be the supervisor of the server on this port, or of this name, as standard input describes it: how --keep-up starts
    /// itself
    #[arg(long, value_name = "PORT|NAME", hide = true, allow_hyphen_values = true)]
    pub(super) supervise: Option<String>,

    /// Be the one that starts this service, as standard input describes it
    #[arg(long, value_name = "NAME", hide = true)]
    pub(super) starter: Option<String>,

    #[command(flatten)]
    pub(super) common: Common,

    /// What stands on the command line.
    #[arg(skip)]
    given: Vec<Id>,
}

/// What is printed of a server that is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Print {
    /// Its process.
    Pid,
    /// Its port.
    Port,
    /// Where it answers.
    Url,
}

impl Print {
    /// Returns it; empty where it is not known.
    pub(super) fn of(self, record: &StartRecord) -> String {
        let known = match self {
            Self::Pid => record.pid.map(|pid| pid.to_string()),
            Self::Port => record.port.map(|port| port.to_string()),
            Self::Url => record.url.clone(),
        };
        known.unwrap_or_default()
    }
}

impl Arguments {
    /// Parses a command line, and keeps in mind what stands there.
    pub(super) fn parsed(definition: Command, words: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut matches = definition.try_get_matches_from(words)?;
        let is_given = |id: &&Id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        let given: Vec<Id> = matches.ids().filter(is_given).cloned().collect();
        Ok(Self { given, ..Self::from_arg_matches_mut(&mut matches)? })
    }

    /// Makes unreadable for other users what is secret on this process's command line.
    pub(super) fn blot_out_secrets(&self) {
        if ["env", "header"].iter().any(|secret| self.given.iter().any(|id| id == secret)) {
            own_line::blot_out();
        }
    }

    /// Returns how often the servers are looked at; `None` for once.
    pub(super) fn interval(&self) -> Option<Duration> {
        Pace::interval(self.watch, self.count)
    }

    /// Returns how servers are to be stopped, as far as that stands on the command line.
    pub(super) fn asked_to_stop(&self) -> Asked {
        let is_given = |key: &str| self.given.iter().any(|id| id == key);
        Asked { signal: self.spec.stop_signal, grace: Some(self.spec.grace).filter(|_| is_given("grace")) }
    }

    /// Lists the keys of a service that stand on the command line.
    pub(super) fn given(&self) -> Vec<String> {
        let of_a_service = ServiceSpec::augment_args(Command::new(""));
        let given = of_a_service.get_arguments().filter(|one| self.given.contains(one.get_id()));
        given.filter_map(|one| Some(one.get_long()?.replace('-', "_"))).collect()
    }

    /// Lays the options that stand on the command line over a service. Their paths begin where this call is made.
    pub(super) fn laid_over(&self, service: &ServiceSpec) -> ServiceSpec {
        let mut given = self.spec.clone();
        // in a folder that was removed there is nothing that they could mean
        given.begin_paths_in(&env::current_dir().unwrap_or_default());
        service.overlaid(&given, &self.given())
    }

    /// Tells whether servers are to be started again that are known: by name or port, and with no command.
    pub(super) fn restarts_known(&self) -> bool {
        let is_named = !self.names.is_empty() || self.spec.port.is_some();
        self.spec.existing.restart && self.spec.command.is_empty() && !self.all && is_named
    }

    /// Says what is no error.
    pub(super) fn note(&self, line: &str) {
        if !self.common.quiet {
            words::say(line);
        }
    }

    /// Says where records and logs are, where they are not in the user's home.
    pub(super) fn note_state_folder(&self, state_folder: &StateFolder) {
        if let Some(note) = state_folder.note() {
            self.note(&format!("note: {note}"));
        }
    }

    /// Returns what standard error can show.
    pub(super) fn look(&self) -> Look {
        Look::of(&io::stderr(), self.common.color)
    }

    /// Tells whether the server lives on when this call ends.
    pub(super) fn detaches(&self) -> bool {
        self.then.is_none() && !self.foreground
    }

    /// Returns what names servers for --status, --stop and --logs: names, and the name of the service that is described, or
    /// else its port. What only says how to start one chooses none: it would mean all of them.
    pub(super) fn servers(&self) -> Result<Vec<String>, UsageError> {
        let spec = &self.spec;
        let port = spec.port.as_ref().filter(|_| spec.name.is_none());
        if let Some(range) = port.filter(|ports| ports.is_range()) {
            return Err(UsageError::new(format!("{range} is a range: name a server, or its port")));
        }
        let described = spec.name.clone().or_else(|| port.map(|port| port.first().to_string()));
        let mut names: Vec<String> = Vec::new();
        for name in self.names.iter().cloned().chain(described) {
            // once is enough
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            return Ok(names);
        }
        // all of them are meant where that is said
        let is_for_all = |key: &str| self.stop && self.all && ["grace", "stop_signal"].contains(&key);
        let idle = self.given().into_iter().find(|key| key != "cwd" && !is_for_all(key));
        let given = idle.map(|key| format!("--{}", key.replace('_', "-")));
        match given.or_else(|| (!spec.command.is_empty()).then(|| "the command after --".into())) {
            Some(idle) => Err(UsageError::new(format!("{idle} names no server: give its name or its port"))),
            None => Ok(names),
        }
    }
}

#[cfg(test)]
#[path = "../../../tests/support/definition.rs"]
mod definition;
