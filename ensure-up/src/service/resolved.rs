//! What runs: a service with everything looked up that its description leaves to the place where it is started.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    time::Duration,
};

use health_wait::Target;
use proc_tree::cli::text;

use serde_json::Value;

use super::{
    id::ServiceId,
    ports::{Port, Ports},
    spec::{Existing, ServiceSpec},
    supervision::Supervision,
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

/// What was asked for cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidService(String);

impl TryFrom<ServiceSpec> for Service {
    type Error = InvalidService;

    /// Looks up folder and variables, in this process's own folder and environment.
    fn try_from(spec: ServiceSpec) -> Result<Self, InvalidService> {
        check(&spec)?;
        let ports = spec.port;
        check_health(&spec, ports.map(Ports::first))?;
        let cwd = folder(spec.cwd.as_deref().unwrap_or(Path::new(".")))?;
        let of_file = spec.folder.as_deref().map(folder).transpose()?;
        let id = ServiceId { folder: of_file.unwrap_or_else(|| cwd.clone()), name: spec.name.clone() };
        let environment = environment(&spec)?.into_iter().collect();
        Ok(Self { spec, id, ports, cwd, environment })
    }
}

/// A service without a port goes by its name alone, and whatever means its port means nothing.
fn check_portless(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let invalid = |what: String| Err(InvalidService(what));
    let health = spec.health.iter().chain(&spec.log).map(String::as_bytes);
    let mut texts = spec.command.iter().map(|word| word.as_bytes()).chain(health);
    if texts.any(|text| text.windows(PORT.len()).any(|found| found == PORT)) {
        return invalid("{port} stands for a port, and none is given: --port PORT does".into());
    }
    Ok(())
}

/// Checks what goes together, without looking at anything but what was asked for.
pub(super) fn check(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let invalid = |what: &str| InvalidService(what.into());
    let ports = spec.port;
    if ports.is_none() && spec.name.is_none() {
        return Err(invalid(
            "neither a port nor a name is given: --port PORT says where the server listens, --name NAME what one \
             without a port is called",
        ));
    }
    if spec.command.is_empty() {
        return Err(invalid("no command is given: it follows --"));
    }
    if let Some(name) = spec.name.as_ref().filter(|name| name.is_empty() || name.parse::<Port>().is_ok()) {
        return Err(InvalidService(format!("invalid name {name:?}: a name is neither empty nor a port")));
    }
    if spec.existing.new && !ports.is_some_and(Ports::is_range) {
        return Err(invalid("--new goes with a range of ports: --port 8000-8099"));
    }
    if ports.is_none() {
        check_portless(spec)?;
    }
    check_job(spec)?;
    let Supervision { idle_stop, hold_socket, max_memory, .. } = &spec.supervision;
    let is_tcp = ports.is_some_and(|ports| !ports.first().is_udp());
    if idle_stop.is_some() && !is_tcp {
        return Err(invalid("--idle-stop needs a TCP port: it is by its connections that a server is used"));
    }
    if hold_socket.is_some() && !is_tcp {
        return Err(invalid("--hold-socket needs a TCP port to listen on"));
    }
    if max_memory.is_some_and(|limit| limit.bytes().is_none()) {
        return Err(invalid("a share of the memory is no limit here: the machine does not say how much it has"));
    }
    Ok(())
}

/// A job is up when it has ended: nothing else can say that it is, and nothing is left to be kept up.
fn check_job(spec: &ServiceSpec) -> Result<(), InvalidService> {
    let clashing = [
        ("a port", spec.port.is_some()),
        ("a health target", spec.health.is_some()),
        ("--ready-log", spec.ready_log.is_some()),
        ("--ready-notify", spec.ready_notify),
        ("keeping it up", spec.supervision.is_wanted()),
    ];
    match clashing.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((what, _)) if spec.once => {
            Err(InvalidService(format!("{what} does not go with --once: a job is up once it has ended with status 0")))
        }
        _ => Ok(()),
    }
}

fn check_health(spec: &ServiceSpec, port: Option<Port>) -> Result<(), InvalidService> {
    let failed = |error: health_wait::InvalidTarget| InvalidService(error.to_string());
    let target = match (spec.health.as_deref().map(|text| in_text(text, port)), port) {
        (None, Some(port)) if !port.is_udp() => Some(Target::port(port.number)),
        (None, _) => None,
        (Some(path), Some(port)) if path.starts_with('/') && !port.is_udp() => {
            Some(Target::path_on_port(&path, port.number).map_err(failed)?)
        }
        (Some(path), _) if path.starts_with('/') => {
            let what =
                format!("the health path {path:?} needs a TCP port; a whole target, such as file:{path}, does not");
            return Err(InvalidService(what));
        }
        (Some(text), _) => Some(text.parse().map_err(failed)?),
    };
    match spec.probe.needs_http().filter(|_| !target.is_some_and(|target| target.is_http())) {
        Some(option) => Err(InvalidService(format!("{option} needs an HTTP health target, such as --health /health"))),
        None => Ok(()),
    }
}

fn folder(named: &Path) -> Result<PathBuf, InvalidService> {
    let invalid = |why: &str| InvalidService(format!("invalid folder \"{}\": {why}", named.display()));
    let folder = named.canonicalize().map_err(|error| invalid(&text::os_error(&error)))?;
    if folder.is_dir() { Ok(folder) } else { Err(invalid("it is not a folder")) }
}

/// Files first, so that a variable that was named by itself wins.
fn environment(spec: &ServiceSpec) -> Result<BTreeMap<OsString, OsString>, InvalidService> {
    let mut variables = BTreeMap::new();
    for path in &spec.env_file {
        let invalid = |error: dotenvy::Error| InvalidService(format!("invalid env file {:?}: {error}", path.display()));
        for variable in dotenvy::from_path_iter(path).map_err(invalid)? {
            let (name, value) = variable.map_err(invalid)?;
            variables.insert(name.into(), value.into());
        }
    }
    for word in &spec.env {
        let mut parts = word.as_bytes().splitn(2, |&byte| byte == b'=').map(OsStr::from_bytes);
        let name = parts.next().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            InvalidService(format!("invalid variable {:?}: expected NAME=VALUE", word.to_string_lossy()))
        })?;
        let value = parts.next().map(OsStr::to_owned).or_else(|| env::var_os(name));
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(variables)
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
        self.spec.command.iter().map(|word| with_port(word, port)).collect()
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
            Some(path) => std::path::absolute(with_port(OsStr::new(path), port)).unwrap_or_else(|_| path.into()),
            None => folder.join(format!("{}.log", files::stem(&self.id, port))),
        }
    }

    /// Tells whether the answer itself says whose server it is.
    pub fn is_known_by_answer(&self) -> bool {
        self.spec.probe.has_identity()
    }

    /// Returns the health target that was asked for, for a port.
    pub fn health(&self, port: Option<Port>) -> Option<String> {
        self.spec.health.as_ref().map(|text| in_text(text, port))
    }
}

/// Where it stands, the number of the port is put.
const PORT: &[u8] = b"{port}";

fn in_text(text: &str, port: Option<Port>) -> String {
    port.map_or_else(|| text.to_owned(), |port| text.replace("{port}", &port.number.to_string()))
}

fn with_port(word: &OsStr, port: Option<Port>) -> OsString {
    let Some(port) = port else { return word.to_owned() };
    let (pattern, number) = (PORT, port.number.to_string());
    let mut rest = word.as_bytes();
    let mut made = Vec::with_capacity(rest.len());
    while let Some(at) = rest.windows(pattern.len()).position(|window| window == pattern) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(number.as_bytes());
        rest = &rest[at + pattern.len()..];
    }
    made.extend_from_slice(rest);
    OsString::from_vec(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_takes_its_place_in_every_word_also_in_one_that_is_not_text() {
        let word = OsString::from_vec(b"\xff{port}:{port}{po".to_vec());
        assert_eq!(with_port(&word, Some(Port::tcp(80))), OsString::from_vec(b"\xff80:80{po".to_vec()));
    }
}
