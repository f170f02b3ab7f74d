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

use super::{id::ServiceId, ports::Ports, spec::ServiceSpec, supervision::Supervision};
use crate::server::{files, folder::Folders, mark::Mark};

/// A server that shall be up.
#[derive(Debug, Clone)]
pub struct Service {
    /// What was asked for.
    pub spec: ServiceSpec,
    /// Which service it is.
    pub id: ServiceId,
    /// Where it shall listen.
    pub ports: Ports,
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
        let invalid = |what: &str| InvalidService(what.into());
        let ports = spec.port.ok_or_else(|| invalid("no port is given: --port PORT says where the server listens"))?;
        if spec.command.is_empty() {
            return Err(invalid("no command is given: it follows --"));
        }
        if spec.existing.new && !ports.is_range() {
            return Err(invalid("--new goes with a range of ports: --port 8000-8099"));
        }
        check_health(&spec, ports.low)?;
        let cwd = folder(spec.cwd.as_deref().unwrap_or(Path::new(".")))?;
        let of_file = spec.folder.as_deref().map(folder).transpose()?;
        let id = ServiceId { folder: of_file.unwrap_or_else(|| cwd.clone()), name: spec.name.clone() };
        let environment = environment(&spec)?.into_iter().collect();
        Ok(Self { spec, id, ports, cwd, environment })
    }
}

fn check_health(spec: &ServiceSpec, port: u16) -> Result<(), InvalidService> {
    let target = match spec.health.as_deref().map(|text| text.replace("{port}", &port.to_string())) {
        None => Target::port(port),
        Some(path) if path.starts_with('/') => {
            Target::path_on_port(&path, port).map_err(|error| InvalidService(error.to_string()))?
        }
        Some(text) => text.parse().map_err(|error: health_wait::InvalidTarget| InvalidService(error.to_string()))?,
    };
    match spec.probe.needs_http().filter(|_| !target.is_http()) {
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
    /// Returns how it is kept up, if it is.
    pub fn kept_up(&self) -> Option<&Supervision> {
        Some(&self.spec.supervision).filter(|supervision| supervision.is_wanted())
    }

    /// Returns how long it may take until it is ready; `None`: as long as it lives.
    pub fn timeout(&self) -> Option<Duration> {
        Some(self.spec.timeout).filter(|timeout| !timeout.is_zero())
    }

    /// Returns the command for a port.
    pub fn command(&self, port: u16) -> Vec<OsString> {
        self.spec.command.iter().map(|word| with_port(word, port)).collect()
    }

    /// Returns the name that it goes by: its own, else that of its program.
    pub fn name(&self) -> String {
        self.spec.name()
    }

    /// Returns the whole environment of the server on a port: the caller's, where it is, what was set, and its mark.
    pub(crate) fn whole_environment(&self, port: u16, folders: &Folders) -> Vec<(OsString, OsString)> {
        let mut environment: Vec<(OsString, OsString)> = env::vars_os().collect();
        // as a shell does that goes to the folder: a server that goes elsewhere is known by where it was started
        let folder = (OsString::from("PWD"), self.cwd.clone().into_os_string());
        let mark = Mark::of(self, port, folders).variable();
        let port = (OsString::from("PORT"), OsString::from(port.to_string()));
        for (name, value) in [&folder, &port].into_iter().chain(&self.environment).chain([&mark]) {
            environment.retain(|(known, _)| known != name);
            environment.push((name.clone(), value.clone()));
        }
        environment
    }

    /// Returns the log's path for a port.
    pub fn log_path(&self, folder: &Path, port: u16) -> PathBuf {
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
    pub fn health(&self, port: u16) -> Option<String> {
        self.spec.health.as_ref().map(|text| text.replace("{port}", &port.to_string()))
    }
}

fn with_port(word: &OsStr, port: u16) -> OsString {
    let (pattern, number) = (b"{port}", port.to_string());
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
        assert_eq!(with_port(&word, 80), OsString::from_vec(b"\xff80:80{po".to_vec()));
    }
}
