//! `--logs`: the logs of servers, with -f what comes as well; several line by line behind their names.

use std::{
    io::{self, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use ensure_up::{
    Port, Service, ServiceId, StateFolder,
    log::{
        deleted::Deleted,
        follow::{self, Followed},
        head::heads,
        merged::{Begin, Merged},
    },
    server::{
        known,
        names::{Known, Meant},
    },
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
    terminal::Look,
    text,
};

use super::{
    arguments::Arguments,
    place::{Place, ports},
    status::Status,
    usage, words,
};

pub(super) fn print(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let place = Place::of(arguments)?;
    let names = &place.names;
    usage::all_or_names(arguments, names, "prints every log of this folder")?;
    let state_folder = StateFolder::find()?;
    let known = known::servers(&state_folder, &ports(names))?;
    let search = Search { place: &place, state_folder: &state_folder, known: &known };
    let (mut logs, mut status) = (if names.is_empty() { search.all() } else { Vec::new() }, Status::Done);
    for name in names {
        match search.named(name)? {
            Some(log) if log.is_shown(arguments) => logs.extend((!logs.contains(&log)).then_some(log)),
            Some(log) => {
                words::say(&format!("ensure-up: {}", log.missing()));
                status = Status::No;
            }
            None => status = Status::No,
        }
    }
    if names.is_empty() {
        let (shown, missing): (Vec<Log>, Vec<Log>) = logs.into_iter().partition(|log| log.is_shown(arguments));
        logs = shown;
        // what was never started has none
        for log in missing.iter().filter(|log| log.deleted.is_some()) {
            arguments.note(&log.missing());
        }
        if logs.is_empty() {
            words::say(&format!("ensure-up: {}", search.nothing()));
            status = Status::No;
        }
    }
    for log in logs.iter().filter(|log| log.deleted.is_some()) {
        arguments.note(&log.note(&arguments.look()));
    }
    if logs.is_empty() {
        return Ok(status.into());
    }
    let mut merged = merged(arguments, &logs);
    if !arguments.follow_log {
        merged.finish(out).map_err(OutputError)?;
        return Ok(status.into());
    }
    match follow::follow(&mut merged, out, io::stdout().as_fd())? {
        Followed::Interrupted(signal) => Ok(Exit::Signal(signal)),
        Followed::Unwritten(error) => Err(OutputError(error).into()),
    }
}

fn merged(arguments: &Arguments, logs: &[Log]) -> Merged {
    let is_shared = |name: &str| logs.iter().filter(|log| log.name == name).count() > 1;
    let title = |log: &Log| match log.port {
        Some(port) if is_shared(&log.name) => format!("{}:{port}", log.name),
        _ => log.name.clone(),
    };
    let titles: Vec<String> = logs.iter().map(title).collect();
    let begin = arguments.tail.map_or(Begin::First, Begin::Last);
    let mut merged = Merged::default();
    for (log, head) in logs.iter().zip(heads(&titles, &Look::of(&io::stdout(), arguments.common.color))) {
        merged.add_where(&log.path, log.deleted.as_ref().map(|deleted| deleted.at.as_path()), begin, head);
    }
    merged
}

/// A log that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Log {
    name: String,
    port: Option<Port>,
    path: PathBuf,
    /// It was deleted, and the server that runs writes to it still.
    deleted: Option<Deleted>,
}

impl Log {
    fn of(known: &Known) -> Option<Self> {
        let Known { record, is_alive, .. } = known;
        let path = record.log.clone()?;
        let deleted = if *is_alive && !path.exists() { Deleted::of(record) } else { None };
        Some(Self { name: record.name.clone(), port: record.port, path, deleted })
    }

    /// Tells whether there is something to show, or would be seen when it comes.
    fn is_shown(&self, arguments: &Arguments) -> bool {
        let may_come = || arguments.follow_log && self.path.parent().is_some_and(Path::is_dir);
        self.path.exists() || self.deleted.as_ref().map_or_else(may_come, Deleted::is_readable)
    }

    /// Says why there is nothing to show.
    fn missing(&self) -> String {
        let path = text::path(&self.path);
        match &self.deleted {
            Some(Deleted { writer, .. }) => {
                format!("the log {path} was deleted; pid {writer} goes on writing to it, and it cannot be read there")
            }
            None => format!("there is no log {path}"),
        }
    }

    /// Says where a log is read that was deleted.
    fn note(&self, look: &Look) -> String {
        let name = text::escape(&self.name);
        let writer = self.deleted.as_ref().map(|deleted| words::pid(deleted.writer, look)).unwrap_or_default();
        format!("note: the log of {name} was deleted: it is read from {writer}, which goes on writing to it")
    }
}

/// Where logs are looked for.
struct Search<'a> {
    place: &'a Place,
    state_folder: &'a StateFolder,
    known: &'a [Known],
}

impl Search<'_> {
    /// Lists those of this folder, in the file's order: of what runs or ended by itself and of the file's services, else of
    /// what was stopped.
    fn all(&self) -> Vec<Log> {
        let here = self.place.scope.all(self.known);
        let is_here = |service: &&Service| here.iter().any(|known| known.record.service == service.id);
        let services = &self.place.services;
        let place = |id: &ServiceId| services.iter().position(|service| service.id == *id).unwrap_or(services.len());
        let known = here.iter().filter_map(|known| Some((place(&known.record.service), Log::of(known)?)));
        let idle = services.iter().filter(|service| !is_here(service));
        let mut logs: Vec<(usize, Log)> =
            known.chain(idle.map(|service| (place(&service.id), self.of_service(service)))).collect();
        if logs.is_empty() {
            return self.place.scope.ended(self.known).into_iter().filter_map(Log::of).collect();
        }
        logs.sort_by_key(|(place, _)| *place);
        logs.into_iter().map(|(_, log)| log).collect()
    }

    /// Says that there is nothing to print.
    fn nothing(&self) -> &'static str {
        let has_any = !self.place.scope.all(self.known).is_empty() || !self.place.scope.ended(self.known).is_empty();
        match (has_any, self.place.scope.everywhere) {
            (true, _) => "there is no log of what was started here",
            (false, true) => "nothing was started",
            (false, false) => "nothing was started from here",
        }
    }

    /// Finds the log that is meant, or says why there is none. A server that was stopped, or that never came up, may have left
    /// its log.
    fn named(&self, name: &str) -> Result<Option<Log>, UsageError> {
        if let Meant::One(one) = self.place.find(name, self.known)? {
            if one.record.log.is_none() {
                words::say(&format!("ensure-up: nothing is known of a log of {}", one.record.title()));
            }
            return Ok(Log::of(one));
        }
        if let Some(service) = self.place.service(name) {
            return Ok(Some(self.of_service(service)));
        }
        let left = name.parse().ok().and_then(|port: Port| Some((port, self.state_folder.last_log(port)?)));
        if left.is_none() {
            self.place.unknown(name, self.known, "--logs");
        }
        Ok(left.map(|(port, path)| Log { name: port.to_string(), port: Some(port), path, deleted: None }))
    }

    fn of_service(&self, service: &Service) -> Log {
        let port = service.port();
        Log { name: service.name(), port, path: service.log_path(&self.state_folder.path, port), deleted: None }
    }
}
