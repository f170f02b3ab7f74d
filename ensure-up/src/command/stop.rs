//! `--stop`: servers with all their processes, those that are named or all of this folder.

use std::{io::Write, time::Instant};

use ensure_up::{
    Action, Failure, Folders, Port, ServerRecord,
    report::start_record::StartRecord,
    server::{known, names::Meant},
    stop::{
        order::order,
        server, service,
        whole::{Killed, Wait},
    },
};
use port_kill::{Awaited, Observer};
use proc_tree::cli::{
    args::OutputError,
    progress::Progress,
    status::{Exit, UsageError},
    text,
};

use super::{
    arguments::Arguments,
    place::{Place, ports},
    status::{self, Status},
    words,
};

pub(super) fn stop(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let names = arguments.servers();
    if arguments.all && !names.is_empty() {
        return Err(UsageError::new("--all stops every server of this folder: give either names or --all").into());
    }
    let place = Place::of(arguments, &names)?;
    let folders = Folders::find()?;
    let known = known::servers(&folders, &ports(&names))?;
    let mut stop = Stop { arguments, out, exit: Status::Done.into() };
    let mut records: Vec<ServerRecord> = Vec::new();
    // what no record names is known by what it is
    let mut services = Vec::new();
    if names.is_empty() {
        let meant = place.scope.all(&known);
        services.extend(
            place
                .services
                .iter()
                .filter(|one| !meant.iter().any(|known| known.is_alive && known.record.service == one.id)),
        );
        records.extend(meant.into_iter().filter(|known| known.is_alive).map(|known| known.record.clone()));
    }
    for name in &names {
        match (place.find(name, &known)?, place.service(name)) {
            (Meant::One(one), service) if one.is_alive || service.is_none() => {
                records.extend((!records.contains(&one.record)).then(|| one.record.clone()));
            }
            (_, Some(service)) => services.push(service),
            (Meant::Port(port), None) => stop.nobody_on(&folders, port),
            _ => {
                place.unknown(name, &known, "--stop");
                stop.exit = Status::No.into();
            }
        }
    }
    for record in &mut records {
        // what stands in the file is so, whatever was lost of the record
        if let Some(service) = place.services.iter().find(|service| service.id == record.service) {
            record.depends_on.clone_from(&service.spec.depends_on);
        }
    }
    if names.is_empty() && records.is_empty() && services.is_empty() {
        place.nothing_runs(arguments, &known);
    }
    for record in order(records) {
        let stopped = waiting(arguments, |wait| server::stop(&folders, record.clone(), wait));
        stop.ended(stopped, &record)?;
        if matches!(stop.exit, Exit::Signal(_)) {
            return Ok(stop.exit);
        }
    }
    for one in services {
        let record = ServerRecord::expected(one);
        let stopped = waiting(arguments, |wait| service::stop(&folders, one, wait));
        // that another one holds the port of a service that was not named is no concern of this
        let stopped = match stopped {
            Err(Failure::Foreign { .. } | Failure::Another { .. }) if names.is_empty() => {
                Ok(server::Stopped { record: record.clone(), identity: None, killed: Killed::default() })
            }
            stopped => stopped,
        };
        stop.ended(stopped, &record)?;
    }
    Ok(stop.exit)
}

/// Waits for a stop; on a terminal one line says for whom.
fn waiting<T>(arguments: &Arguments, stop: impl FnOnce(Wait<'_>) -> T) -> T {
    let mut progress = Progress::default();
    let mut draw = |awaited: &Awaited<'_>| progress.draw(&awaited.words(Instant::now()));
    let observer: Option<&mut Observer<'_>> =
        if Progress::is_seen(arguments.common.quiet) { Some(&mut draw) } else { None };
    stop(Wait::OnRequest(observer))
}

/// A call that stops servers, and what came of it so far.
struct Stop<'a> {
    arguments: &'a Arguments,
    out: &'a mut dyn Write,
    exit: Exit,
}

impl Stop<'_> {
    /// Of a port without a server of ours there is only to say who holds it.
    fn nobody_on(&mut self, folders: &Folders, port: Port) {
        match server::free(folders, port) {
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
        let mut explanation = words::concerning(failure);
        let is_of_another = matches!(failure, Failure::Another { .. } | Failure::Foreign { .. });
        if is_of_another {
            explanation.hints = words::freeing(failure).into_iter().collect();
        }
        if let Some(record) = record {
            let (name, on_port) = (text::escape(&record.name), record.on_port());
            let whose = if is_of_another { format!("{name} does not run") } else { format!("{name}{on_port}") };
            explanation.message = format!("{whose}: {}", explanation.message);
        }
        explanation.lines().for_each(|line| words::say(&line));
        self.exit = match failure {
            Failure::Left(_) | Failure::NotStopped { .. } => Status::No.into(),
            _ => status::after(failure),
        };
    }
}

fn report(arguments: &Arguments, stopped: &server::Stopped, out: &mut dyn Write) -> Result<(), OutputError> {
    let (name, on_port) = (text::escape(&stopped.record.name), stopped.record.on_port());
    if arguments.json {
        StartRecord::stopped(&stopped.record, stopped.identity).write(out)?;
    } else if let Some(identity) = stopped.identity.filter(|_| arguments.pids) {
        writeln!(out, "{identity}")?;
    }
    out.flush()?;
    stopped.killed.lines.iter().for_each(|line| arguments.note(line));
    arguments.note(&match stopped.identity {
        Some(identity) => {
            let pid = words::pid(identity, &arguments.look());
            format!("{} {name}{on_port} ({pid})", Action::Stopped.word())
        }
        None => format!("{name}{on_port}: not running"),
    });
    Ok(())
}
