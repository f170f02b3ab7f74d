//! What is asked for, as plain data: the same from the command line, from the services file, and for a process of ours.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use health_wait::ProbeOptions;
use proc_tree::{Signal, cli::duration};
use regex::{Regex, bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    existing::Existing,
    ports::{Port, Ports},
    supervision::Supervision,
    word,
};

/// A service that is asked for.
///
/// Each option of the command line is a key of the services file, in `snake_case` and with the same text; a key that is
/// missing means what the command line means without that option.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceSpec {
    /// The server's command; {port} is replaced in it
    #[arg(last = true, value_name = "CMD")]
    #[serde(with = "word::list")]
    pub command: Vec<OsString>,

    /// Where the server listens, or is bound with /udp; in a range, the first free port
    #[arg(long, value_name = "PORT[-PORT]")]
    #[serde(with = "word::optional")]
    pub port: Option<Ports>,

    /// Health target: a path on the port, or any target of health-wait (default: the port accepts; postgres and redis: they take clients);
    /// repeatable: all of them have to be healthy, and what is expected of an answer is expected of each that is HTTP
    #[arg(long, value_name = "PATH|TARGET")]
    #[serde(deserialize_with = "word::one_or_more")]
    pub health: Vec<String>,

    /// Name of the server, for --status, --stop and --logs (default: its program's); without --port: of a worker, which is up
    /// while it lives
    #[arg(long)]
    pub name: Option<String>,

    /// It is a job, without a port: up once it has ended with status 0; each call runs it again, or joins the run
    #[arg(long)]
    pub once: bool,

    /// How long it may take until it is ready; 0: as long as it lives
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    #[serde(with = "word")]
    pub timeout: Duration,

    /// One whose command line matches is this one
    #[arg(long = "match", value_name = "REGEX", help_heading = "A server that is there already")]
    #[serde(rename = "match", with = "word::optional")]
    pub matching: Option<Regex>,

    /// What to do about one that is there already.
    #[command(flatten)]
    #[serde(flatten)]
    pub existing: Existing,

    /// Set a variable; without =VALUE, name one of the caller's; repeatable
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "The server's surroundings")]
    #[serde(with = "word::list")]
    pub env: Vec<OsString>,

    /// Set the variables of a file of NAME=VALUE lines; repeatable
    #[arg(long, value_name = "FILE", help_heading = "The server's surroundings")]
    #[serde(with = "word::list")]
    pub env_file: Vec<PathBuf>,

    /// Start it in this folder
    #[arg(long, value_name = "DIR", help_heading = "The server's surroundings")]
    #[serde(with = "word::optional")]
    pub cwd: Option<PathBuf>,

    /// Write its output here; {port} is replaced
    #[arg(long, value_name = "FILE", help_heading = "Log")]
    pub log: Option<String>,

    /// How many old logs are kept
    #[arg(long, value_name = "N", default_value = "3", help_heading = "Log")]
    #[serde(with = "word")]
    pub log_keep: u32,

    /// It is ready once its log matches this
    #[arg(long, value_name = "REGEX", help_heading = "Readiness")]
    #[serde(with = "word::optional")]
    pub ready_log: Option<bytes::Regex>,

    /// It failed once its log matches this
    #[arg(long, value_name = "REGEX", help_heading = "Readiness")]
    #[serde(with = "word::optional")]
    pub fail_log: Option<bytes::Regex>,

    /// It is ready once it sends READY=1 to NOTIFY_SOCKET
    #[arg(long, help_heading = "Readiness")]
    pub ready_notify: bool,

    /// How health is asked for.
    #[command(flatten)]
    #[serde(flatten)]
    pub probe: ProbeOptions,

    /// The signal that ends it [default: TERM; INT for postgres]
    #[arg(long, value_name = "SIGNAL", help_heading = "Stopping")]
    #[serde(with = "word::optional")]
    pub stop_signal: Option<Signal>,

    /// How long it may take to end before it is killed
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse, help_heading = "Stopping")]
    #[serde(with = "word")]
    pub grace: Duration,

    /// How it is kept up.
    #[command(flatten)]
    #[serde(flatten)]
    pub supervision: Supervision,

    /// The names of the services that it needs.
    #[arg(skip)]
    pub depends_on: Vec<String>,

    /// The ports of the services that it needs, by their names, as they are while it is started. They are given to it and
    /// are no part of what is asked for: what depends on one names it.
    #[arg(skip)]
    pub other_ports: BTreeMap<String, u16>,

    /// The profile whose tables were laid over it.
    #[arg(skip)]
    pub profile: Option<String>,

    /// The keys that a call laid over those of the file.
    #[arg(skip)]
    pub given: Map<String, Value>,

    /// The folder of the services file that it stands in.
    #[arg(skip)]
    #[serde(with = "word::optional")]
    pub folder: Option<PathBuf>,
}

impl ServiceSpec {
    /// Returns the name that it goes by: its own, else that of its program.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.program())
    }

    /// Returns the port of a number that is said to be its server's.
    pub fn port_at(&self, number: u16) -> Port {
        self.port.map_or(Port::tcp(number), |ports| ports.at(number))
    }

    /// Returns the name of its program.
    pub(crate) fn program(&self) -> String {
        let program = self.command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
        program.to_string_lossy().into_owned()
    }

    /// Makes it one of a services file in this folder: that is where its paths begin.
    pub(crate) fn place_in(&mut self, folder: &Path) {
        self.folder = Some(folder.to_owned());
        self.begin_paths_in(folder);
        self.cwd.get_or_insert_with(|| folder.to_owned());
    }

    /// Lets the paths that it names begin in this folder.
    pub fn begin_paths_in(&mut self, folder: &Path) {
        self.cwd = self.cwd.take().map(|cwd| folder.join(cwd));
        self.env_file.iter_mut().for_each(|file| *file = folder.join(&*file));
        self.log = self.log.take().map(|log| folder.join(log).to_string_lossy().into_owned());
        self.probe.change_paths(|path| folder.join(path));
    }
}
