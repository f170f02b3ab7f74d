//! `--logs`: the logs of servers, with -f what comes as well; several line by line behind their names.

use std::{
    io::{self, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use ensure_up::{
    Folders, Port, Service,
    log::{
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
    words,
};

pub(super) fn print(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let place = Place::of(arguments)?;
    let names = &place.names;
    if arguments.all && !names.is_empty() {
        return Err(UsageError::new("--all prints every log of this folder: give either names or --all").into());
    }
    let folders = Folders::find()?;
    let known = known::servers(&folders, &ports(names))?;
    let search = Search { place: &place, folders: &folders, known: &known };
    let (mut logs, mut status) = (if names.is_empty() { search.all() } else { Vec::new() }, Status::Done);
    for name in names {
        match search.named(name)? {
            Some(log) if log.is_there() || (arguments.follow_log && log.may_come()) => {
                logs.extend((!logs.contains(&log)).then_some(log));
            }
            Some(log) => {
                words::say(&format!("ensure-up: there is no log {}", text::path(&log.path)));
                status = Status::No;
            }
            None => status = Status::No,
        }
    }
    if names.is_empty() {
        logs.retain(|log| log.is_there() || (arguments.follow_log && log.may_come()));
        if logs.is_empty() {
            arguments.note("there is no log of a server of this folder");
        }
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
        merged.add(&log.path, begin, head);
    }
    merged
}

/// A log that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Log {
    name: String,
    port: Option<Port>,
    path: PathBuf,
}

impl Log {
    fn of(known: &Known) -> Option<Self> {
        Some(Self { name: known.record.name.clone(), port: known.record.port, path: known.record.log.clone()? })
    }

    fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Tells whether it would be seen when it is made.
    fn may_come(&self) -> bool {
        self.path.parent().is_some_and(Path::is_dir)
    }
}

/// Where logs are looked for.
struct Search<'a> {
    place: &'a Place,
    folders: &'a Folders,
    known: &'a [Known],
}

impl Search<'_> {
    /// Lists those of this folder: of what runs or ended by itself and of the file's services, else of what was stopped.
    fn all(&self) -> Vec<Log> {
        let here = self.place.scope.all(self.known);
        let is_here = |service: &&Service| here.iter().any(|known| known.record.service == service.id);
        let idle =
            self.place.services.iter().filter(|service| !is_here(service)).map(|service| self.of_service(service));
        let logs: Vec<Log> = here.iter().filter_map(|known| Log::of(known)).chain(idle).collect();
        if logs.is_empty() {
            self.place.scope.ended(self.known).into_iter().filter_map(Log::of).collect()
        } else {
            logs
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
        let left = name.parse().ok().and_then(|port: Port| Some((port, self.folders.last_log(port)?)));
        if left.is_none() {
            self.place.unknown(name, self.known, "--logs");
        }
        Ok(left.map(|(port, path)| Log { name: port.to_string(), port: Some(port), path }))
    }

    fn of_service(&self, service: &Service) -> Log {
        let port = service.port();
        Log { name: service.name(), port, path: service.log_path(&self.folders.logs, port) }
    }
}
