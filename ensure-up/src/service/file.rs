//! The services file, `ensure-up.toml`: a table per service, with the options of the command line as its keys.

use std::{
    env,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use proc_tree::cli::{
    given_file::{self, Unreadable},
    text,
};
use serde_json::{Map, Value};
use toml::de::DeTable;

pub use super::fault::Fault;
use super::{
    check, dependencies,
    fault::Source,
    health_targets,
    overlay::{self, Keys, Written},
    ownership, reference, sole_ports,
    spec::ServiceSpec,
    value,
};

/// The file that is looked for.
pub const FILE: &str = "ensure-up.toml";

/// A services file.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it is.
    pub path: PathBuf,
    /// Its services, in its order; each has its name.
    pub services: Vec<ServiceSpec>,
}

/// A services file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("no {FILE} in this folder or above it; --file names another one")]
    Missing,
    /// It cannot be read.
    #[error("cannot read {}", text::path(.0))]
    Read(PathBuf, #[source] Unreadable),
    /// Another user may say what stands in it.
    #[error("refusing {}: {reason}", text::path(path))]
    Unsafe {
        /// The file, or the folder that it is in.
        path: PathBuf,
        /// Who may.
        reason: String,
    },
    /// It says something that makes no sense.
    #[error(transparent)]
    Invalid(#[from] Fault),
}

impl Config {
    /// Finds the file: the one that was named, else the nearest from the working folder upward.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
        if let Some(path) = named {
            return std::path::absolute(path).map_err(|error| ConfigError::Read(path.to_owned(), error.into()));
        }
        let here = env::current_dir().map_err(|error| match error.kind() {
            // a folder that was removed has no file
            io::ErrorKind::NotFound => ConfigError::Missing,
            _ => ConfigError::Read(PathBuf::from("."), error.into()),
        })?;
        here.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file()).ok_or(ConfigError::Missing)
    }

    /// Reads the file; the tables of `profile` are laid over the others.
    ///
    /// # Errors
    /// When it cannot be read or another user may write to it, or for the first thing in it that makes no sense.
    pub fn read(path: &Path, profile: Option<&str>) -> Result<Self, ConfigError> {
        Self::parse(path, &believed(path)?, profile)
    }

    /// Does the same with the text that stands there, or will.
    ///
    /// # Errors
    /// For the first thing in it that makes no sense.
    pub fn parse(path: &Path, text: &str, profile: Option<&str>) -> Result<Self, ConfigError> {
        let source = Source { path, text };
        let table = DeTable::parse(text).map_err(|error| {
            let what = error.message().lines().collect::<Vec<_>>().join(" ");
            source.fault(&error.span().unwrap_or_default(), what)
        })?;
        let tables = overlay::services(table.get_ref(), profile, &source)?;
        for keys in overlay::unused(table.get_ref(), profile, &source)? {
            // what the caller's variables would make of it is found out when it is asked for
            values(&keys, &source, |written| overlay::within(written.value, "${").is_none())?;
        }
        let services = tables.iter().map(|(name, keys)| service(name, keys, &source));
        let mut services = services.collect::<Result<Vec<_>, _>>()?;
        for service in &mut services {
            service.place_in(above(path));
        }
        for (service, (_, keys)) in services.iter().zip(&tables) {
            check::options(service)
                .map_err(|error| source.fault(&(overlay::first(keys)..overlay::first(keys)), error.to_string()))?;
        }
        reference::depend(&mut services, &tables, &source)?;
        dependencies::check(&services, &tables, &source)?;
        sole_ports::check(&services, &tables, &source)?;
        health_targets::check(&services, &tables, &source)?;
        Ok(Self { path: path.to_owned(), services })
    }

    /// Chooses services by name, with all that they need; all of them without a name. Keeps the file's order.
    ///
    /// # Errors
    /// Names the one that is not in the file.
    pub fn select(&self, names: &[String]) -> Result<Vec<ServiceSpec>, String> {
        let mut wanted: Vec<&String> = names.iter().collect();
        let mut chosen: Vec<&String> = Vec::new();
        while let Some(name) = wanted.pop() {
            let service = self.services.iter().find(|service| service.name.as_ref() == Some(name));
            let service =
                service.ok_or_else(|| format!("no service is named {name:?} in {}", text::path(&self.path)))?;
            if !chosen.contains(&name) {
                chosen.push(name);
                wanted.extend(&service.depends_on);
            }
        }
        let is_chosen = |service: &&ServiceSpec| {
            names.is_empty() || service.name.as_ref().is_some_and(|name| chosen.contains(&name))
        };
        Ok(self.services.iter().filter(is_chosen).cloned().collect())
    }
}

/// Reads the file, unless another user may have written what stands in it: that would run as this one.
fn believed(path: &Path) -> Result<String, ConfigError> {
    let failed = |error| ConfigError::Read(path.to_owned(), error);
    let file = given_file::open(path).map_err(failed)?;
    let found = file.metadata().map_err(|error| failed(error.into()))?;
    check(path, &found)?;
    let folder = folder(path);
    check(&folder, &folder.metadata().map_err(|error| failed(error.into()))?)?;
    let text = given_file::read_all(file, given_file::WRITTEN_BY_HAND).map_err(failed)?;
    String::from_utf8(text).map_err(|_| failed(io::Error::from(io::ErrorKind::InvalidData).into()))
}

fn check(path: &Path, found: &Metadata) -> Result<(), ConfigError> {
    let objection = ownership::objection(found, &trusted());
    objection.map_or(Ok(()), |reason| Err(ConfigError::Unsafe { path: path.to_owned(), reason }))
}

/// Lists whose files are believed: root may do anything anyhow, and who became root by sudo(8) had the same file before.
fn trusted() -> Vec<u32> {
    let own = geteuid();
    let before = env::var("SUDO_UID").ok().filter(|_| own.is_root()).and_then(|uid| uid.parse().ok());
    [own.as_raw(), 0].into_iter().chain(before).collect()
}

/// Returns the folder that a services file stands in, links resolved: its services belong to it.
pub fn folder(path: &Path) -> PathBuf {
    let folder = above(path);
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("/"))
}

fn service(name: &str, keys: &Keys<'_, '_>, source: &Source<'_>) -> Result<ServiceSpec, Fault> {
    let mut values = values(keys, source, |_| true)?;
    values.insert("name".to_owned(), name.into());
    let start = overlay::first(keys);
    if !keys.contains_key("command") {
        return Err(source.fault(&(start..start), format!("the service {name} has no command")));
    }
    ServiceSpec::from_keys(values).map_err(|error| source.fault(&(start..start), error.to_string()))
}

/// Reads those values of a service's keys that are wanted; all keys have to be some.
fn values(
    keys: &Keys<'_, '_>,
    source: &Source<'_>,
    is_wanted: impl Fn(&Written<'_, '_>) -> bool,
) -> Result<Map<String, Value>, Fault> {
    let known = keys_by_default();
    let mut values = Map::new();
    for (key, written) in keys {
        let like = known.get(key).ok_or_else(|| {
            let fault = source.fault(&written.at, format!("unknown key {key:?}"));
            fault.suggest(key, known.keys().map(String::as_str))
        })?;
        if is_wanted(written) {
            values.insert(key.clone(), value::read(key, written, like, source)?);
        }
    }
    Ok(values)
}

/// Returns each key that a service may have, with its value by default.
fn keys_by_default() -> Map<String, Value> {
    let mut keys = ServiceSpec::default().to_keys();
    // a service has it from its table, and from where that stands
    for own in ["name", "folder", "other_ports", "profile", "given"] {
        keys.remove(own);
    }
    keys
}

#[cfg(test)]
mod keys;
