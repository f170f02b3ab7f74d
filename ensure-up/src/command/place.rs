//! Where a command is given: the services file there, and whose names are meant.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use ensure_up::{
    Port, Ports, Service, StateFolder,
    server::{
        known,
        names::{Known, Meant, Scope, is_port},
    },
    service::file::{self, Config},
};
use proc_tree::cli::{command_line::quoted, status::UsageError, text};

use super::{arguments::Arguments, usage, words};

/// Where a command is given, and what it names.
pub(super) struct Place {
    /// The names and ports that are given.
    pub(super) names: Vec<String>,
    /// Whose names are meant.
    pub(super) scope: Scope,
    /// The services of the file there.
    pub(super) services: Vec<Service>,
    /// The ports of these, by their names, as far as they are known.
    pub(super) ports: BTreeMap<String, u16>,
    /// Whether there is a file.
    pub(super) has_file: bool,
}

impl Place {
    /// Looks for the services file. One that makes no sense stands in nobody's way who names ports alone.
    pub(super) fn of(arguments: &Arguments) -> Result<Self, UsageError> {
        let names = arguments.servers()?;
        if let Some(word) = names.iter().find(|word| word.is_empty() || word.parse() == Ok(0_u16)) {
            return Err(UsageError::new(format!("invalid name {word:?}: a name or a port is expected")));
        }
        let here = env::current_dir().map(|here| here.join(arguments.spec.cwd.as_deref().unwrap_or(Path::new(""))));
        let folders = here.map(|here| here.canonicalize().unwrap_or(here)).into_iter().collect();
        let are_ports = !names.is_empty() && names.iter().all(|word| word.parse::<Port>().is_ok());
        let scope = Scope { folders, everywhere: arguments.everywhere };
        let mut place = Self { names, scope, services: Vec::new(), ports: BTreeMap::new(), has_file: false };
        match read(arguments) {
            Ok(Some((folder, services, ports))) => {
                place.has_file = true;
                (place.services, place.ports) = (services, ports);
                place.scope.folders.push(folder);
            }
            Ok(None) => {}
            Err(_) if are_ports => {}
            Err(error) => return Err(error),
        }
        Ok(place)
    }

    /// Finds what a word means; a name that two servers bear is no name. One that has ended is history beside the service of
    /// the file that the word means, unless it was that one's.
    pub(super) fn find<'k>(&self, word: &str, known: &'k [Known]) -> Result<Meant<'k>, UsageError> {
        match self.scope.find(word, known) {
            Meant::Several(several) => {
                let each = several.iter().map(|one| format!("{}{}", one.record.title(), one.record.on_port()));
                let all = each.collect::<Vec<_>>().join(" and ");
                Err(UsageError::new(format!("{word:?} is the name of more than one server: {all}"))
                    .hint("name one by its port"))
            }
            Meant::One(one)
                if !one.is_alive && self.service(word).is_some_and(|service| service.id != one.record.service) =>
            {
                Ok(Meant::Unknown)
            }
            meant => Ok(meant),
        }
    }

    /// Says that nothing goes by a name here, and where something does.
    pub(super) fn unknown(&self, word: &str, known: &[Known], option: &str) {
        let of = if self.scope.everywhere { "" } else { " in this folder" };
        words::say(&match word.parse::<Port>() {
            Ok(port) => format!("ensure-up: no server is on port {port}"),
            Err(_) => format!("ensure-up: no server is named {word:?}{of}"),
        });
        let is_called = |one: &&Known| one.is_alive && one.is_of_this_place && one.record.name == word;
        if let Some(one) = known.iter().find(is_called) {
            let (title, word) = (one.record.title(), quoted(word));
            words::say(&match one.record.port {
                Some(port) => format!("hint: {title} is on port {port}: ensure-up {option} {port}"),
                None => format!("hint: there is {title}: ensure-up {option} {} --everywhere", text::escape(&word)),
            });
        }
    }

    /// Says that there is nothing to do here, and how many run elsewhere.
    pub(super) fn nothing_runs(&self, arguments: &Arguments, known: &[Known]) {
        let of = if self.scope.everywhere { "" } else { " of this folder" };
        arguments.note(&format!("no server{of} runs"));
        let elsewhere = known.iter().filter(|one| one.is_alive && one.is_of_this_place).count();
        tell_elsewhere(arguments, elsewhere);
    }

    /// Lays over what is known what stands in the file: that is so, whatever was lost of a record.
    pub(super) fn described(&self, mut known: Vec<Known>) -> Vec<Known> {
        for one in &mut known {
            if let Some(service) = self.services.iter().find(|service| service.id == one.record.service) {
                one.record.depends_on.clone_from(&service.spec.depends_on);
            }
        }
        known
    }

    /// Finds the service of the file that a word names, or whose port it is.
    pub(super) fn service(&self, word: &str) -> Option<&Service> {
        let is_it = |service: &&Service| {
            service.id.name.as_deref() == Some(word)
                || service.ports.and_then(Ports::only).is_some_and(|port| is_port(word, port))
        };
        self.services.iter().find(is_it)
    }

    /// Finds the service of the file that a server is of.
    pub(super) fn service_of(&self, known: &Known) -> Option<&Service> {
        self.services.iter().find(|service| service.id == known.record.service)
    }
}

/// Says how many run in other folders.
pub(super) fn tell_elsewhere(arguments: &Arguments, count: usize) {
    if count > 0 {
        arguments.note(&format!("{count} more in other folders: ensure-up --status --everywhere"));
    }
}

/// What a file says: its folder, its services, and their ports.
type Said = (PathBuf, Vec<Service>, BTreeMap<String, u16>);

/// Reads the file; `None` where there is none.
fn read(arguments: &Arguments) -> Result<Option<Said>, UsageError> {
    let Some(path) = usage::file(arguments)? else { return Ok(None) };
    let config = Config::read(&path, arguments.profile.as_deref()).map_err(|error| usage::config(&error))?;
    let folder = file::folder(&path);
    // what cannot be known of the ports stays as it is written
    let ports =
        StateFolder::find().ok().and_then(|state_folder| known::ports(&state_folder, &folder, &config.services).ok());
    let ports = ports.unwrap_or_default();
    let port = |name: &str| ports.get(name).map(u16::to_string);
    let services = config.services.iter().map(|service| usage::resolve(service.replaced(&port)));
    let services = services.collect::<Result<Vec<_>, _>>()?;
    Ok(Some((folder, services, ports)))
}

/// Returns the ports among these words.
pub(super) fn ports(words: &[String]) -> Vec<Port> {
    words.iter().filter_map(|word| word.parse().ok()).collect()
}
