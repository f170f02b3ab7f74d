//! The services file, `ensure-up.toml`: a table per service, with the options of the command line as its keys.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use clap::Command;
use proc_tree::cli::text;
use toml::de::DeTable;

pub use super::fault::Fault;
use super::{
    dependencies,
    fault::Source,
    overlay::{self, Keys},
    value,
};

/// The file that is looked for.
pub const FILE: &str = "ensure-up.toml";

/// One service of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its options, as arguments.
    pub options: Vec<OsString>,
    /// Its command.
    pub command: Vec<OsString>,
    /// Its variables. They are handed over in the environment: arguments can be seen by everybody.
    pub environment: BTreeMap<String, String>,
    /// The names of the services that it needs.
    pub depends_on: Vec<String>,
}

/// A services file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub path: PathBuf,
    /// Its services, in its order.
    pub services: Vec<Definition>,
}

/// A services file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("no {FILE} in this folder or above it; --file names another one")]
    Missing,
    /// It cannot be read.
    #[error("cannot read {}", text::path(.0))]
    Read(PathBuf, #[source] io::Error),
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
            return std::path::absolute(path).map_err(|error| ConfigError::Read(path.to_owned(), error));
        }
        let here = env::current_dir().map_err(|error| ConfigError::Read(PathBuf::from("."), error))?;
        here.ancestors().map(|folder| folder.join(FILE)).find(|path| path.is_file()).ok_or(ConfigError::Missing)
    }

    /// Reads the file. `options` defines the keys; the tables of `profile` are laid over the others.
    ///
    /// # Errors
    /// When it cannot be read, or for the first thing in it that makes no sense.
    pub fn read(path: &Path, profile: Option<&str>, options: &Command) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?;
        let source = Source { path, text: &text };
        let table = DeTable::parse(&text).map_err(|error| {
            let what = error.message().lines().collect::<Vec<_>>().join(" ");
            source.fault(&error.span().unwrap_or_default(), what)
        })?;
        let tables = overlay::services(table.get_ref(), profile, &source)?;
        let services = tables.iter().map(|(name, keys)| definition(name, keys, options, &source));
        let services = services.collect::<Result<Vec<_>, _>>()?;
        dependencies::check(&services, &tables, &source)?;
        Ok(Self { path: path.to_owned(), services })
    }

    /// Chooses services by name, with all that they need; all of them without a name. Keeps the file's order.
    ///
    /// # Errors
    /// Names the one that is not in the file.
    pub fn select(&self, names: &[String]) -> Result<Vec<Definition>, String> {
        let mut wanted: Vec<&String> = names.iter().collect();
        let mut chosen: Vec<&str> = Vec::new();
        while let Some(name) = wanted.pop() {
            let service = self.services.iter().find(|service| service.name == *name);
            let missing = || format!("no service is named {name:?} in {}", text::path(&self.path));
            let service = service.ok_or_else(missing)?;
            if !chosen.contains(&service.name.as_str()) {
                chosen.push(&service.name);
                wanted.extend(&service.depends_on);
            }
        }
        let is_chosen = |service: &&Definition| names.is_empty() || chosen.contains(&service.name.as_str());
        Ok(self.services.iter().filter(is_chosen).cloned().collect())
    }
}

fn definition(name: &str, keys: &Keys<'_, '_>, options: &Command, source: &Source<'_>) -> Result<Definition, Fault> {
    let mut definition = Definition {
        name: name.to_owned(),
        options: vec![format!("--name={name}").into()],
        command: Vec::new(),
        environment: BTreeMap::new(),
        depends_on: Vec::new(),
    };
    for (key, (written, value)) in keys {
        match key.as_str() {
            "command" => definition.command = value::command(value, source)?,
            "env" => definition.environment = value::environment(value, source)?,
            "depends_on" => definition.depends_on = value::words(value, "depends_on", source)?,
            key => definition.options.extend(value::option(key, written, value, options, source)?),
        }
    }
    for needed in &definition.depends_on {
        definition.options.push(format!("--depends-on={needed}").into());
    }
    // by name alone: the values come through the environment
    definition.options.extend(definition.environment.keys().map(|name| format!("--env={name}").into()));
    for required in ["command", "port"] {
        if !keys.contains_key(required) {
            let at = keys.values().map(|(written, _)| written.start).min().unwrap_or_default();
            return Err(source.fault(&(at..at), format!("the service {name} has no {required}")));
        }
    }
    Ok(definition)
}
