//! `--stop`: servers with all their processes, those that are named or all of this folder.

use std::{future::pending, io::Write, pin::pin};

use ensure_up::{
    Action, Failure, Port, ServerRecord, Service, StateFolder,
    report::start_record::StartRecord,
    server::{
        known,
        names::{Known, Meant},
    },
    stop::{
        killed::Killed,
        manner::Asked,
        order, server, service,
        several::{self, Event},
        whole::Wait,
    },
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
    text,
};

use super::{
    arguments::Arguments,
    place::{Place, ports},
    status::{self, Status},
    stop_line::StopLine,
    usage, why, words,
};

pub(super) fn stop(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let place = Place::of(arguments)?;
    let names = &place.names;
    usage::all_or_names(arguments, names, "stops every server of this folder")?;
    let state_folder = StateFolder::find()?;
    let known = place.described(known::servers(&state_folder, &ports(names))?);
    let mut stop = Stop { arguments, state_folder: &state_folder, out, exit: Status::Done.into() };
    let meant = stop.meant(&place, &known, names)?;
    if names.is_empty() && meant.is_empty() {
        place.nothing_runs(arguments, &known);
    }
    for line in still_needed(&meant, &known) {
        arguments.note(&line);
    }
    stop.all(&meant, names.is_empty())?;
    Ok(stop.exit)
}

/// A server to stop.
struct One<'a> {
    /// What is recorded of it, or would be.
    record: ServerRecord,
    /// The service that it is of, where no record names a server that runs: that is known by what it is.
    service: Option<&'a Service>,
}

impl<'a> One<'a> {
    fn recorded(known: &Known) -> Self {
        Self { record: known.record.clone(), service: None }
    }

    fn of(service: &'a Service) -> Self {
        Self { record: ServerRecord::expected(service), service: Some(service) }
    }

    fn stop(&self, state_folder: &StateFolder, asked: Asked, wait: Wait<'_>) -> Result<server::Stopped, Failure> {
        match self.service {
            Some(service) => service::stop(state_folder, service, asked, wait),
            None => server::stop(state_folder, self.record.clone(), asked, wait),
        }
    }
}

/// Says which servers that run need one that is to be stopped, and are not stopped themselves.
fn still_needed(meant: &[One<'_>], known: &[Known]) -> Vec<String> {
    let is_meant = |record: &ServerRecord| meant.iter().any(|one| one.record.service == record.service);
    let left: Vec<&ServerRecord> =
        known.iter().filter(|one| one.is_alive && !is_meant(&one.record)).map(|one| &one.record).collect();
    let line = |one: &One<'_>| {
        let by =
            left.iter().filter(|record| order::needs(record, &one.record)).map(|record| text::escape(&record.name));
        let by: Vec<_> = by.collect();
        let verbs = if by.len() == 1 { "needs it and runs" } else { "need it and run" };
        (!by.is_empty()).then(|| format!("note: {}: {} {verbs} on", text::escape(&one.record.name), by.join(", ")))
    };
    meant.iter().filter_map(line).collect()
}

/// A call that stops servers, and what came of it so far.
struct Stop<'a> {
    arguments: &'a Arguments,
    state_folder: &'a StateFolder,
    out: &'a mut dyn Write,
    exit: Exit,
}

impl Stop<'_> {
    /// Finds the servers that are meant, each once.
    fn meant<'p>(&mut self, place: &'p Place, known: &[Known], names: &[String]) -> Result<Vec<One<'p>>, UsageError> {
        let mut meant: Vec<One<'p>> = Vec::new();
        if names.is_empty() {
            let here = place.scope.all(known);
            meant.extend(here.iter().filter(|known| known.is_alive).map(|known| One::recorded(known)));
            let runs = |service: &&Service| !meant.iter().any(|one| one.record.service == service.id);
            let others: Vec<_> = place.services.iter().filter(runs).map(One::of).collect();
            meant.extend(others);
        }
        for name in names {
            let one = match (place.find(name, known)?, place.service(name)) {
                (Meant::One(one), service) if one.is_alive || service.is_none() => One::recorded(one),
                (_, Some(service)) => One::of(service),
                (Meant::Port(port), None) => {
                    self.nobody_on(port);
                    continue;
                }
                _ => {
                    place.unknown(name, known, "--stop");
                    self.exit = Status::No.into();
                    continue;
                }
            };
            let is_it =
                |other: &One<'_>| (&other.record.service, other.record.port) == (&one.record.service, one.record.port);
            meant.extend((!meant.iter().any(is_it)).then_some(one));
        }
        Ok(meant)
    }

    /// Stops them all; on a terminal one line says for whom is waited. `is_asked_for_all` tells that none was named.
    fn all(&mut self, meant: &[One<'_>], is_asked_for_all: bool) -> anyhow::Result<()> {
        let records: Vec<&ServerRecord> = meant.iter().map(|one| &one.record).collect();
        let state_folder = self.state_folder;
        let asked = self.arguments.asked_to_stop();
        let stop = |index: usize, wait: Wait<'_>| meant[index].stop(state_folder, asked, wait);
        let mut line = StopLine::of(self.arguments);
        let mut written = Ok(());
        let beside = pin!(pending());
        let signal = several::stop(&records, true, beside, &stop, &mut |event| match event {
            Event::Awaited(index, words) => line.draw(index, words),
            Event::Ended(index, stopped) => {
                line.over(index);
                let record = records[index];
                // that another one holds the port of a service that was not named is no concern of this
                let stopped = match stopped {
                    Err(Failure::Foreign { .. } | Failure::Another { .. }) if is_asked_for_all => {
                        Ok(server::Stopped { record: record.clone(), identity: None, killed: Killed::default() })
                    }
                    stopped => stopped,
                };
                let result = self.ended(stopped, record);
                if written.is_ok() {
                    written = result;
                }
            }
        })?;
        if let Some(signal) = signal {
            self.exit = Exit::Signal(signal);
        }
        Ok(written?)
    }

    /// Of a port without a server of ours there is only to say who holds it.
    fn nobody_on(&mut self, port: Port) {
        match server::free(self.state_folder, port) {
            Ok(()) => self.arguments.note(&format!("{port}: not running")),
            Err(failure) => self.failed(&failure, None),
        }
    }

    fn ended(&mut self, stopped: Result<server::Stopped, Failure>, record: &ServerRecord) -> Result<(), OutputError> {
        match stopped {
            Ok(stopped) => report(self.arguments, &stopped, self.out),
            Err(failure) => {
                self.failed(&failure, Some(record));
                if self.arguments.json {
                    let why = text::failure(&failure);
                    let failed = StartRecord::failed(&record.name, record.port, &failure, why);
                    failed.in_folder(&record.service.folder).write(self.out).map_err(OutputError)?;
                }
                Ok(())
            }
        }
    }

    /// Says why a server is not gone: what is left of it is the honest no.
    fn failed(&mut self, failure: &Failure, record: Option<&ServerRecord>) {
        let mut explanation = why::in_the_way(failure);
        if let Some(record) = record {
            let (name, on_port) = (text::escape(&record.name), record.on_port());
            let is_of_another = matches!(failure, Failure::Another { .. } | Failure::Foreign { .. });
            let whose = if is_of_another { format!("{name} does not run") } else { format!("{name}{on_port}") };
            explanation.message = format!("{whose}: {}", explanation.message);
        }
        explanation.lines().for_each(|line| words::say(&line));
        self.exit = match failure {
            Failure::Left(_) | Failure::StillHeld { .. } => Status::No.into(),
            _ => status::after(failure),
        };
    }
}

/// Says who had to be killed, and of which server.
pub(super) fn killed(arguments: &Arguments, name: &str, killed: &Killed) {
    killed.lines.iter().for_each(|line| arguments.note(&format!("{}: {line}", text::escape(name))));
}

fn report(arguments: &Arguments, stopped: &server::Stopped, out: &mut dyn Write) -> Result<(), OutputError> {
    let (name, on_port) = (text::escape(&stopped.record.name), stopped.record.on_port());
    if arguments.json {
        StartRecord::stopped(&stopped.record, stopped.identity).write(out)?;
    } else if let Some(identity) = stopped.identity.filter(|_| arguments.pids) {
        writeln!(out, "{identity}")?;
    }
    out.flush()?;
    killed(arguments, &stopped.record.name, &stopped.killed);
    arguments.note(&match stopped.identity {
        Some(identity) => {
            let pid = words::pid(identity, &arguments.look());
            format!("{} {name}{on_port} ({pid})", Action::Stopped.word())
        }
        None => format!("{name}{on_port}: not running"),
    });
    Ok(())
}
