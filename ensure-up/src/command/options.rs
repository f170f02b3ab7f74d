//! The options that describe one server; a table of the services file is read through them too.

use std::{
    collections::HashSet,
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgAction, ArgMatches, Args, Command, parser::ValueSource};
use ensure_up::{
    Adopt, Existing, KeepUp, Ports, RestartOn, Service,
    supervisor::breaker::{Backoff, Limit},
    supervisor::reload::Patterns,
};
use health_wait::{Settings, Target};
use proc_tree::Signal;
use proc_tree::cli::{duration, size};
use regex::{Regex, bytes};

use super::UsageError;

/// One server.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Where the server listens; in a range, the first free port
    #[arg(long, value_name = "PORT[-PORT]")]
    pub(crate) port: Option<Ports>,

    /// Health target: a path on the port, or any target of health-wait (default: the port accepts)
    #[arg(long, value_name = "PATH|TARGET")]
    health: Option<String>,

    /// Name of the server, for --status, --stop and --logs (default: its program's)
    #[arg(long)]
    name: Option<String>,

    /// How long it may take until it is ready; 0: as long as it lives
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    timeout: Duration,

    /// Which server without a record is taken for this one: match, any or never
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "match",
        hide_possible_values = true,
        help_heading = "A server that is there already"
    )]
    adopt: Adopt,

    /// One whose command line matches is this one
    #[arg(long = "match", value_name = "REGEX", help_heading = "A server that is there already")]
    matching: Option<Regex>,

    /// Stop ours first, then start it
    #[arg(long, help_heading = "A server that is there already")]
    restart: bool,

    /// Stop ours first if it was started with another command, folder or environment
    #[arg(long, help_heading = "A server that is there already")]
    restart_if_changed: bool,

    /// Stop another program that holds the port first, then start ours
    #[arg(long, help_heading = "A server that is there already")]
    replace: bool,

    /// Set a variable; without =VALUE, name one of the caller's; repeatable
    #[arg(long = "env", value_name = "NAME[=VALUE]", help_heading = "The server's surroundings")]
    environment: Vec<OsString>,

    /// Set the variables of a file of NAME=VALUE lines; repeatable
    #[arg(long, value_name = "FILE", help_heading = "The server's surroundings")]
    env_file: Vec<PathBuf>,

    /// Start it in this folder
    #[arg(long, value_name = "DIR", help_heading = "The server's surroundings")]
    cwd: Option<PathBuf>,

    /// Write its output here; {port} is replaced
    #[arg(long, value_name = "FILE", help_heading = "Log")]
    log: Option<String>,

    /// How many old logs are kept
    #[arg(long, value_name = "N", default_value = "3", help_heading = "Log")]
    log_keep: u32,

    /// Under --keep-up, start a new log beyond this size
    #[arg(long, value_name = "SIZE", default_value = "10M", value_parser = size::parse, help_heading = "Log")]
    log_max_size: u64,

    /// It is ready once its log matches this
    #[arg(long, value_name = "REGEX", help_heading = "Readiness")]
    ready_log: Option<bytes::Regex>,

    /// It failed once its log matches this
    #[arg(long, value_name = "REGEX", help_heading = "Readiness")]
    fail_log: Option<bytes::Regex>,

    /// It is ready once it sends READY=1 to NOTIFY_SOCKET
    #[arg(long, help_heading = "Readiness")]
    ready_notify: bool,

    #[command(flatten)]
    settings: Settings,

    /// The signal that ends it
    #[arg(long, value_name = "SIGNAL", default_value = "TERM", value_parser = signal, help_heading = "Stopping")]
    stop_signal: Signal,

    /// How long it may take to end before it is killed
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse, help_heading = "Stopping")]
    grace: Duration,

    /// Start it again when it crashes
    #[arg(long, help_heading = "Keeping it up")]
    keep_up: bool,

    /// The pauses before restarts: the first is doubled up to the last
    #[arg(long, value_name = "FIRST..LAST", default_value = "1s..16s", help_heading = "Keeping it up")]
    backoff: Backoff,

    /// Give up after more restarts than these within this time
    #[arg(long, value_name = "N/TIME", default_value = "5/60s", help_heading = "Keeping it up")]
    max_restarts: Limit,

    /// After which ends it is started again: failure or always
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "failure",
        hide_possible_values = true,
        help_heading = "Keeping it up"
    )]
    restart_on: RestartOn,

    /// Start it again when a file changes that matches; !GLOB excludes; repeatable; implies --keep-up
    #[arg(long, value_name = "GLOB", help_heading = "Keeping it up")]
    reload_on: Vec<String>,

    /// Start it again after so many failed health probes in a row; implies --keep-up
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Keeping it up")]
    liveness: Option<u32>,

    /// A service that has to be up first
    #[arg(long, value_name = "NAME", hide = true)]
    depends_on: Vec<String>,
}

impl Options {
    /// Makes the service that these options and this command describe.
    pub(crate) fn service(&self, command: &[OsString], probe: Vec<String>) -> Result<Service, UsageError> {
        let ports = self.port.ok_or(UsageError::new("no port is given: --port PORT says where the server listens"))?;
        if command.is_empty() {
            return Err(UsageError::new("no command is given: it follows --"));
        }
        self.check_health(ports.low)?;
        let service = Service {
            name: self.name.clone(),
            ports,
            command: command.to_vec(),
            cwd: self.folder()?,
            environment: self.environment()?,
            health: self.health.clone(),
            settings: self.settings.clone(),
            probe,
            matching: self.matching.clone(),
            ready_log: self.ready_log.clone(),
            fail_log: self.fail_log.clone(),
            ready_notify: self.ready_notify,
            timeout: Some(self.timeout).filter(|timeout| !timeout.is_zero()),
            log: self.log.clone(),
            log_keep: self.log_keep,
            stop_signal: self.stop_signal,
            grace: self.grace,
            depends_on: self.depends_on.clone(),
            keep_up: self.keep_up()?,
        };
        Ok(service)
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    pub(crate) fn existing(&self) -> Existing {
        Existing {
            adopt: self.adopt,
            restart: self.restart,
            restart_if_changed: self.restart_if_changed,
            replace: self.replace,
        }
    }

    fn keep_up(&self) -> Result<Option<KeepUp>, UsageError> {
        let reload = Patterns::new(&self.reload_on).map_err(UsageError::new)?;
        if !self.keep_up && reload.is_empty() && self.liveness.is_none() {
            return Ok(None);
        }
        Ok(Some(KeepUp {
            backoff: self.backoff,
            limit: self.max_restarts,
            restart_on: self.restart_on,
            reload,
            liveness: self.liveness,
            log_max_size: self.log_max_size,
            arguments: env::args_os().skip(1).collect(),
        }))
    }

    fn check_health(&self, port: u16) -> Result<(), UsageError> {
        let target = match self.health.as_deref() {
            None => Target::port(port),
            Some(text) => {
                let text = text.replace("{port}", &port.to_string());
                let target = if text.starts_with('/') { Target::path_on_port(&text, port) } else { text.parse() };
                target.map_err(|error| UsageError::new(error.to_string()))?
            }
        };
        match self.settings.needs_http().filter(|_| !target.is_http()) {
            Some(option) => {
                Err(UsageError::new(format!("{option} needs an HTTP health target, such as --health /health")))
            }
            None => Ok(()),
        }
    }

    /// The folder as the kernel will name it, so that a server's own can be compared with it.
    fn folder(&self) -> Result<PathBuf, UsageError> {
        let folder = self.cwd.clone().map_or_else(env::current_dir, Ok).and_then(|folder| folder.canonicalize());
        let named = self.cwd.as_deref().unwrap_or(Path::new(".")).display();
        match folder {
            Ok(folder) if folder.is_dir() => Ok(folder),
            Ok(_) => Err(UsageError::new(format!("invalid folder \"{named}\": it is not a folder"))),
            Err(error) => {
                Err(UsageError::new(format!("invalid folder \"{named}\": {}", proc_tree::cli::text::os_error(&error))))
            }
        }
    }

    /// Files first, so that a variable on the command line wins.
    fn environment(&self) -> Result<Vec<(OsString, OsString)>, UsageError> {
        let mut variables = Vec::new();
        for path in &self.env_file {
            let failed =
                |error: dotenvy::Error| UsageError::new(format!("invalid env file {:?}: {error}", path.display()));
            for variable in dotenvy::from_path_iter(path).map_err(failed)? {
                let (name, value) = variable.map_err(failed)?;
                variables.push((name.into(), value.into()));
            }
        }
        for text in &self.environment {
            let bytes = text.as_bytes();
            let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
                Some(at) => (&bytes[..at], Some(OsString::from_vec(bytes[at + 1..].to_vec()))),
                None => (bytes, env::var_os(text)),
            };
            if name.is_empty() {
                return Err(UsageError::new(format!(
                    "invalid variable {:?}: expected NAME=VALUE",
                    text.to_string_lossy()
                )));
            }
            variables.extend(value.map(|value| (OsStr::from_bytes(name).to_owned(), value)));
        }
        let mut last: Vec<(OsString, OsString)> = Vec::new();
        let mut seen = HashSet::new();
        for (name, value) in variables.into_iter().rev() {
            if seen.insert(name.clone()) {
                last.push((name, value));
            }
        }
        last.sort();
        Ok(last)
    }
}

/// Returns the options of a group that were given, as arguments that can be parsed again.
pub(crate) fn given<G: Args>(matches: &ArgMatches) -> Vec<String> {
    let mut arguments = Vec::new();
    for argument in G::augment_args(Command::new("")).get_arguments() {
        let (id, long) = (argument.get_id().as_str(), argument.get_long().unwrap_or_default());
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        if matches!(argument.get_action(), ArgAction::SetTrue) {
            arguments.push(format!("--{long}"));
        } else {
            let values = matches.get_raw(id).into_iter().flatten();
            arguments.extend(values.map(|value| format!("--{long}={}", value.to_string_lossy())));
        }
    }
    arguments
}

/// Signals are named with or without SIG, or by number.
fn signal(text: &str) -> Result<Signal, String> {
    text.parse::<Signal>().map_err(|error| error.to_string())
}
