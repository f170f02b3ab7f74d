//! `--restart` without a command: servers that are known, by name or port, as they were asked for.

use std::{collections::BTreeMap, env, io::Write};

use ensure_up::{
    Failure, Port, ServerRecord, ServiceId, ServiceSpec, StateFolder,
    server::{
        environment::Environment,
        known,
        names::{Known, Meant},
    },
    service::file::{self, Config},
    stop,
};
use proc_tree::cli::{status::Exit, text};

use super::{
    arguments::Arguments,
    place::{Place, ports},
    several::{self, Asked},
    status::{self, Status},
    usage, why, words,
};

/// Starts again what is named, and nothing that it depends on.
pub(super) fn start(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let place = Place::of(arguments)?;
    let names = &place.names;
    let state_folder = StateFolder::find()?;
    let known = place.described(known::servers(&state_folder, &ports(names))?);
    let asked = Asked::default();
    let mut again = Again { arguments, state_folder: &state_folder, asked, meant: Vec::new(), exit: None };
    for name in names {
        match (place.find(name, &known)?, place.service(name)) {
            (Meant::One(one), _) => {
                if again.is_new(&one.record.service, one.record.port) {
                    again.known(&one.record)?;
                }
            }
            (_, Some(service)) => {
                if again.is_new(&service.id, service.port()) {
                    again.add(&service.spec, place.ports.clone(), None);
                }
            }
            (Meant::Port(port), None) => match stop::server::free(&state_folder, port) {
                Ok(()) => again.unknown(&place, name, &known),
                Err(failure) => again.held(&failure),
            },
            _ => again.unknown(&place, name, &known),
        }
    }
    let Again { asked, exit, .. } = again;
    if asked.services.is_empty() {
        return Ok(exit.unwrap_or(Status::No.into()));
    }
    let here = env::current_dir()?;
    let restarted = several::run(arguments, &asked, &here, &state_folder, out)?;
    Ok(exit.filter(|_| restarted == Status::Done.into()).unwrap_or(restarted))
}

/// What is to be started again.
struct Again<'a> {
    arguments: &'a Arguments,
    state_folder: &'a StateFolder,
    asked: Asked,
    /// Which they are: a name and a port can mean the same one.
    meant: Vec<(ServiceId, Option<Port>)>,
    /// How the call ends when all else goes well.
    exit: Option<Exit>,
}

impl Again<'_> {
    /// Notes that a server is meant; tells whether it was not before.
    fn is_new(&mut self, service: &ServiceId, port: Option<Port>) -> bool {
        let one = (service.clone(), port);
        let is_new = !self.meant.contains(&one);
        self.meant.push(one);
        is_new
    }

    /// Adds a known server: as its file has it by now, with the profile and the options of the call that it was started by;
    /// where no file has it, as it was asked for.
    fn known(&mut self, record: &ServerRecord) -> anyhow::Result<()> {
        let asked = record.asked_spec();
        let profile = self.arguments.profile.clone().or_else(|| asked.as_ref()?.profile.clone());
        let (of_file, ports) = self.in_file(record, profile.as_deref())?;
        let spec = match (of_file, asked) {
            (Some(spec), Some(asked)) => spec.with(asked.given),
            (Some(spec), None) => spec,
            (None, Some(asked)) => asked,
            (None, None) => {
                let Some(shown) = record.shown_spec(self.state_folder) else {
                    let title = record.title();
                    words::say(&format!("ensure-up: how {title} was started is not known any more"));
                    self.exit.get_or_insert(Status::No.into());
                    return Ok(());
                };
                let name = text::escape(&record.name);
                self.arguments
                    .note(&format!("note: {name}: its record is lost: it is started as its process shows it"));
                shown
            }
        };
        self.add(&ServiceSpec { profile, ..spec }, ports, record.inherited());
        Ok(())
    }

    /// Adds a service: with the ports of those of its file, and what its server inherits.
    fn add(&mut self, spec: &ServiceSpec, mut ports: BTreeMap<String, u16>, environment: Option<Environment>) {
        let index = self.asked.services.len();
        ports.extend(spec.other_ports.clone());
        self.asked.ports.insert(index, ports);
        let mut spec = self.arguments.laid_over(spec);
        spec.existing.restart = true;
        self.asked.named.insert(index);
        self.asked.environments.extend(environment.map(|environment| (index, environment)));
        self.asked.services.push(spec);
    }

    /// Finds the service of the file that a server is of, and the ports of all that the file has.
    fn in_file(
        &self,
        record: &ServerRecord,
        profile: Option<&str>,
    ) -> anyhow::Result<(Option<ServiceSpec>, BTreeMap<String, u16>)> {
        let path = usage::file(self.arguments)?.filter(|path| file::folder(path) == record.service.folder);
        let Some(path) = path else { return Ok((None, BTreeMap::new())) };
        let config = Config::read(&path, profile).map_err(|error| usage::config(&error))?;
        let ports = known::ports(self.state_folder, &record.service.folder, &config.services)?;
        Ok((config.services.into_iter().find(|service| service.name == record.service.name), ports))
    }

    fn unknown(&mut self, place: &Place, name: &str, known: &[Known]) {
        place.unknown(name, known, "--restart");
        self.exit.get_or_insert(Status::No.into());
    }

    fn held(&mut self, failure: &Failure) {
        why::in_the_way(failure).lines().for_each(|line| words::say(&line));
        self.exit.get_or_insert(status::after(failure));
    }
}
