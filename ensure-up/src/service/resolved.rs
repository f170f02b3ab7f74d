//! What runs: a service with everything looked up that its description leaves to the place where it is started.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use proc_tree::cli::text;
use serde_json::Value;

use super::{
    check::{self, InvalidService},
    existing::Existing,
    id::ServiceId,
    placeholder,
    ports::{Port, Ports},
    spec::ServiceSpec,
    supervision::Supervision,
    variable,
};
use crate::server::files;

/// A server that shall be up.
#[derive(Debug, Clone)]
pub struct Service {
    /// What was asked for.
    pub spec: ServiceSpec,
    /// Which service it is.
    pub id: ServiceId,
    /// Where it shall listen; `None` for one without a port, which is up while it lives.
    pub ports: Option<Ports>,
    /// The folder to start it in, as the kernel names it, so that a server's own can be compared with it.
    pub cwd: PathBuf,
    /// The variables that were asked for, on top of the caller's, sorted.
    pub environment: Vec<(OsString, OsString)>,
}

impl TryFrom<ServiceSpec> for Service {
    type Error = InvalidService;

    /// Looks up folder and variables, in this process's own folder and environment.
    fn try_from(mut spec: ServiceSpec) -> Result<Self, InvalidService> {
        check::options(&spec)?;
        spec.probe.change_paths(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
        let ports = spec.port;
        check::health(&spec, ports.map(Ports::first))?;
        let cwd = folder(spec.cwd.as_deref().unwrap_or(Path::new(".")))?;
        let of_file = spec.folder.as_deref().map(folder).transpose()?;
        let id = ServiceId { folder: of_file.unwrap_or_else(|| cwd.clone()), name: spec.name.clone() };
        let environment = variable::asked_for(&spec)?.into_iter().collect();
        Ok(Self { spec, id, ports, cwd, environment })
    }
}

fn folder(named: &Path) -> Result<PathBuf, InvalidService> {
    let invalid = |why: &str| InvalidService(format!("invalid folder \"{}\": {why}", named.display()));
    let folder = named.canonicalize().map_err(|error| invalid(&text::os_error(&error)))?;
    if folder.is_dir() { Ok(folder) } else { Err(invalid("it is not a folder")) }
}

impl Service {
    /// Returns how it is kept up, if it has a supervisor.
    pub fn kept_up(&self) -> Option<&Supervision> {
        Some(&self.spec.supervision).filter(|supervision| supervision.is_wanted())
    }

    /// Returns how long it may take until it is ready; `None`: as long as it lives.
    pub fn timeout(&self) -> Option<Duration> {
        Some(self.spec.timeout).filter(|timeout| !timeout.is_zero())
    }

    /// Returns the command for a port.
    pub fn command(&self, port: Option<Port>) -> Vec<OsString> {
        self.spec.command.iter().map(|word| placeholder::in_word(word, port)).collect()
    }

    /// Returns its port, the first of a range; `None` for a service without one.
    pub fn port(&self) -> Option<Port> {
        self.ports.map(Ports::first)
    }

    /// Tells whether there is a choice of ports.
    pub fn has_range(&self) -> bool {
        self.ports.is_some_and(Ports::is_range)
    }

    /// Returns the name that it goes by: its own, else that of its program.
    pub fn name(&self) -> String {
        self.spec.name()
    }

    /// Writes down what is asked for, so that it means the same wherever it is asked for again: folders and variables are
    /// looked up.
    pub(crate) fn asked(&self, port: Option<Port>) -> Value {
        let word = |(name, value): &(OsString, OsString)| [name.as_os_str(), "=".as_ref(), value].into_iter().collect();
        let absolute = |log: &String| {
            std::path::absolute(log).map_or_else(|_| log.clone(), |log| log.to_string_lossy().into_owned())
        };
        let spec = ServiceSpec {
            port: port.map(Into::into),
            cwd: Some(self.cwd.clone()),
            folder: Some(self.id.folder.clone()),
            env: self.environment.iter().map(word).collect(),
            env_file: Vec::new(),
            log: self.spec.log.as_ref().map(absolute),
            existing: Existing { adopt: self.spec.existing.adopt, ..Existing::default() },
            ..self.spec.clone()
        };
        spec.to_keys().into()
    }

    /// Returns the log's path for a port.
    pub fn log_path(&self, folder: &Path, port: Option<Port>) -> PathBuf {
        match &self.spec.log {
            Some(path) => {
                std::path::absolute(placeholder::in_word(OsStr::new(path), port)).unwrap_or_else(|_| path.into())
            }
            None => folder.join(format!("{}.log", files::stem(&self.id, port))),
        }
    }

    /// Tells whether an answer on a port can say whose server that is, by what is expected of it or as a gRPC service by name.
    /// What is asked elsewhere says nothing of who holds the port.
    pub(crate) fn is_known_by_answer(&self, port: Option<Port>) -> bool {
        let tells = |text: &String| {
            check::target(text, port).is_ok_and(|target| {
                target.tcp_port() == port.map(|port| port.number) && target.tells_server(&self.spec.probe)
            })
        };
        port.is_some() && self.health(port).iter().any(tells)
    }

    /// Returns the health targets that were asked for, for a port.
    pub fn health(&self, port: Option<Port>) -> Vec<String> {
        self.spec.health.iter().map(|text| placeholder::in_text(text, port)).collect()
    }
}
