//! The services of `ensure-up.toml`: all, or those that are named, with what they need.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use ensure_up::{
    Action, Folders, ServerProcesses, ServerRecord, ServiceSpec,
    attach::then::{self, Needed},
    report::start_record::StartRecord,
    server::known,
    service::file::{Config, ConfigError},
    start::several::{EndedStart, Several},
    stop,
};
use proc_tree::{
    Facts, Identity,
    cli::{
        args::OutputError,
        duration,
        status::{Exit, UsageError},
        table::Table,
        terminal::Look,
        text,
    },
};

use super::{arguments::Arguments, attached, status::Status, words};

/// Starts the services, says what came of each, and stays while a command runs if that was asked for.
pub(super) fn start(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    check_usage(arguments)?;
    let path = Config::find(arguments.file.as_deref()).map_err(|error| usage(&error))?;
    let config = Config::read(&path, arguments.profile.as_deref()).map_err(|error| usage(&error))?;
    let chosen = config.select(&arguments.names).map_err(UsageError::new)?;
    let services: Vec<ServiceSpec> =
        chosen.iter().map(|service| service.overlaid(&arguments.spec, &arguments.given)).collect();
    let folder = path.parent().unwrap_or(Path::new("/"));
    let several = Several { services: &services, folder, sequential: arguments.sequential };
    let mut written = Ok(());
    let ended = several.start(&mut |index, start| {
        let result = one_ended(arguments, &services[index], start, out);
        if written.is_ok() {
            written = result;
        }
    })?;
    written?;
    let ended = match ended {
        Ok(ended) => ended,
        Err(signal) => return Ok(Exit::Signal(signal)),
    };
    all_ended(arguments, &services, &ended, out)?;
    match (ended.iter().find(|start| start.status != 0), &arguments.then) {
        (Some(failed), _) => Ok(Exit::Code(failed.status)),
        (None, Some(command)) => run_then(arguments, command, &ended),
        (None, None) => Ok(Status::Done.into()),
    }
}

fn check_usage(arguments: &Arguments) -> Result<(), UsageError> {
    let clashing = [
        ("a command", !arguments.spec.command.is_empty()),
        ("--port", arguments.spec.port.is_some()),
        ("--foreground", arguments.foreground),
    ];
    match clashing.into_iter().find(|(_, given)| *given) {
        Some((what, _)) => Err(UsageError::new(format!("{what} goes with one server, not with services of a file"))),
        None if arguments.all && !arguments.names.is_empty() => {
            Err(UsageError::new("--all starts every service: give either names or --all"))
        }
        None => Ok(()),
    }
}

/// A fault of the file is the user's; one that cannot be read may be the machine's, but nothing was done either.
pub(super) fn usage(error: &ConfigError) -> UsageError {
    let usage = UsageError::new(text::failure(error));
    match error {
        ConfigError::Invalid(fault) => match &fault.suggestion {
            Some(word) => usage.hint(format!("did you mean {word:?}?")),
            None => usage,
        },
        ConfigError::Missing | ConfigError::Read(..) => usage,
    }
}

/// Tells of a service as soon as its start has ended.
fn one_ended(
    arguments: &Arguments,
    service: &ServiceSpec,
    start: &EndedStart,
    out: &mut dyn Write,
) -> Result<(), OutputError> {
    if arguments.json {
        start.report.record.write(out)?;
    }
    match &start.report.explanation {
        Some(explanation) => explanation.lines().for_each(|line| words::say(&line)),
        None if start.status != 0 => words::say(&cells(service, start).join("  ")),
        None if !arguments.json => arguments.note(&cells(service, start).join("  ")),
        None => {}
    }
    Ok(())
}

/// Tells of all services once more, in the file's order.
fn all_ended(
    arguments: &Arguments,
    services: &[ServiceSpec],
    ended: &[EndedStart],
    out: &mut dyn Write,
) -> Result<(), OutputError> {
    if arguments.table || (io::stdout().is_terminal() && !arguments.pids && !arguments.json) {
        let mut table = Table::headless(4);
        for (service, start) in services.iter().zip(ended) {
            table.row(cells(service, start));
        }
        table.write(out, &Look::of(&io::stdout(), arguments.common.color))?;
    } else if !arguments.json && (arguments.then.is_none() || arguments.pids) {
        let up = ended.iter().filter(|start| start.status == 0);
        for pid in proc_tree::ascending(up.flat_map(|start| start.report.record.pids.clone())) {
            writeln!(out, "{pid}")?;
        }
    }
    Ok(out.flush()?)
}

/// Runs the command while all are up, then stops those that this call started, dependents first.
fn run_then(arguments: &Arguments, command: &OsStr, ended: &[EndedStart]) -> anyhow::Result<Exit> {
    let records = || ended.iter().map(|start| &start.report.record);
    let mut needed = Vec::new();
    for record in records() {
        if let Some(process) = record.process() {
            needed.push(Needed { name: record.name.clone(), processes: ServerProcesses::watch(process, false)? });
        }
    }
    let ran = then::run(command, None, arguments.spec.grace, &mut needed, &mut attached::died);
    let mut exit = attached::after_then(arguments, ran);
    let started = records().filter(|record| record.action.is_start());
    let started: Vec<Identity> = started.filter_map(StartRecord::process).collect();
    if !started.is_empty() {
        let folders = Folders::find()?;
        let known = known::servers(&folders, &[])?.into_iter().map(|known| known.record);
        let is_ours = |record: &ServerRecord| record.is_any_of(&started);
        for record in stop::order::order(known.filter(is_ours).collect()) {
            // one that cannot be stopped keeps no other one up
            let stopped = stop::server::stop(&folders, record, stop::whole::Wait::Whole).map(|stopped| stopped.killed);
            exit = attached::after_stop(arguments, stopped, exit);
        }
    }
    Ok(exit?)
}

fn cells(service: &ServiceSpec, start: &EndedStart) -> Vec<String> {
    let record = &start.report.record;
    let StartRecord { name, action, port, reason, .. } = record;
    let port = port.filter(|_| *action != Action::Failed).map_or_else(String::new, |port| port.to_string());
    let pid = record.pid.map_or_else(|| "owner not visible to you".into(), |pid| format!("pid {pid}"));
    let took = Duration::from_millis(record.ready_ms.unwrap_or_default());
    let last = match action {
        Action::Failed => {
            let log = record.log.as_ref().map_or_else(String::new, |_| format!("; ensure-up --logs {name}"));
            format!("{}{log}", reason.as_deref().unwrap_or("not up"))
        }
        action if action.is_start() || *action == Action::Joined => {
            format!("in {} ({pid}){}", duration::elapsed(took), after(service))
        }
        _ => format!("({pid}{})", up(record)),
    };
    vec![name.clone(), action.word().into(), port, last]
}

fn up(record: &StartRecord) -> String {
    let facts = record.pid.and_then(|pid| Facts::of(pid).ok().flatten());
    facts.map_or_else(String::new, |facts| format!(", up {}", duration::uptime(facts.uptime())))
}

fn after(service: &ServiceSpec) -> String {
    if service.depends_on.is_empty() { String::new() } else { format!(", after {}", service.depends_on.join(", ")) }
}
