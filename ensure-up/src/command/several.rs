//! The services of `ensure-up.toml`: all, or those that are named, with what they need.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ensure_up::{
    Action, ServerRecord, ServiceId, ServiceSpec, StateFolder,
    report::start_record::StartRecord,
    server::{environment::Environment, known},
    service::file::{self, Config},
    start::several::{EndedStart, EndedStarts, Several, StartReport, Told},
};
use proc_tree::cli::{
    args::OutputError,
    command_line::typed,
    status::{Exit, UsageError},
    text,
};

use super::{
    arguments::Arguments,
    attached::{Begun, Staying, Uses},
    display::Display,
    row::Columns,
    status::Status,
    usage, words,
};

/// Starts the services, says what came of each, and stays if that was asked for.
pub(super) fn start(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    check_usage(arguments)?;
    let path = Config::find(arguments.file.as_deref()).map_err(|error| usage::config(&error))?;
    let config = Config::read(&path, arguments.profile.as_deref()).map_err(|error| usage::config(&error))?;
    let chosen = config.select(&arguments.names).map_err(UsageError::new)?;
    let is_named = |service: &ServiceSpec| service.name.as_ref().is_some_and(|name| arguments.names.contains(name));
    let overlaid = |service: &ServiceSpec| {
        let overlaid = arguments.laid_over(service);
        // a job that is only needed cannot be kept up, and is not meant
        let supervision = if service.once && !is_named(service) { &service.supervision } else { &overlaid.supervision };
        ServiceSpec { profile: arguments.profile.clone(), supervision: supervision.clone(), ..overlaid }
    };
    let (folder, state_folder) = (file::folder(&path), StateFolder::find()?);
    let ports = known::ports(&state_folder, &folder, &config.services)?;
    let is_meant = |index: &usize| arguments.names.is_empty() || is_named(&chosen[*index]);
    let asked = Asked {
        services: chosen.iter().map(overlaid).collect(),
        named: (0..chosen.len()).filter(is_meant).collect(),
        ports: (0..chosen.len()).map(|index| (index, ports.clone())).collect(),
        environments: BTreeMap::new(),
    };
    run(arguments, &asked, &folder, &state_folder, out)
}

/// The services that a call asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) services: Vec<ServiceSpec>,
    /// The places of those that are meant; the others are needed by them.
    pub(super) named: BTreeSet<usize>,
    /// The ports of the services of its file, by a service's place, as far as they are known.
    pub(super) ports: BTreeMap<usize, BTreeMap<String, u16>>,
    /// What a server inherits, by its service's place, where that is not this call's environment.
    pub(super) environments: BTreeMap<usize, Environment>,
}

/// Starts these services of a folder, says what came of each, and stays if that was asked for.
pub(super) fn run(
    arguments: &Arguments,
    asked: &Asked,
    folder: &Path,
    state_folder: &StateFolder,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Asked { services, named, ports, environments } = asked;
    let (sequential, takes_in) = (arguments.sequential, !arguments.detaches());
    let several = Several { services, folder, environments, sequential, takes_in, ports };
    let (columns, look) = (Columns::of(services), arguments.look());
    let mut uses = Uses::begin(arguments, services)?;
    let mut was_started = BTreeSet::new();
    // what cannot be told is no reason to tell it again
    let is_known = ServerRecord::is_any_of_folder(state_folder, folder).unwrap_or(true);
    let (ended, staying) = loop {
        let mut written = Ok(());
        let display = Display::of(arguments);
        let ended = several.start(&mut |index, told| {
            let start = match told {
                Told::Waiting(waiting) => {
                    let ServiceSpec { timeout, .. } = services[index];
                    let limit = Some(timeout).filter(|timeout| !timeout.is_zero());
                    return display.told(index, &services[index].name(), limit, waiting);
                }
                Told::Ended(start) => start,
                Told::Interrupted(start) => {
                    display.done(index);
                    return gave_up(arguments, &display, start);
                }
            };
            display.done(index);
            if arguments.json && written.is_ok() {
                written = start.report.record.write(out).map_err(OutputError);
            }
            if start.status != 0 || !arguments.common.quiet {
                display.say(&columns.row(&services[index], start, &look));
            }
        });
        let ended = ended.context("cannot start the services")?;
        if let Some(line) = goes_on(services, &ended).filter(|_| arguments.detaches() && !arguments.common.quiet) {
            display.say(&line);
        }
        drop(display);
        let is_start = |start: &EndedStart| start.report.record.action.is_start();
        was_started.extend(ended.starts.iter().filter(|(_, start)| is_start(start)).map(|(index, _)| *index));
        let mut begun = Begun::in_folder(state_folder);
        for (&index, start) in &ended.starts {
            let spec = &services[index];
            if start.status == 0 && was_started.contains(&index) && !arguments.detaches() && !spec.once {
                begun.add(
                    &service(spec, &start.report.record),
                    start.report.record.port.map(|number| spec.port_at(number)),
                );
            }
        }
        written?;
        let mut staying = Staying::new(arguments, state_folder, begun);
        let mut are_up = true;
        for (&index, EndedStart { report, .. }) in ended.starts.iter().filter(|(_, start)| start.status == 0) {
            let is_ours = was_started.contains(&index);
            let is_the_one = named.len() == 1 && named.contains(&index);
            are_up &= staying.add_reported(&services[index], &report.record, is_the_one, is_ours, uses.take(index))?;
        }
        // somebody may have stopped one that was reused: then all are looked at once more
        if are_up || ended.signal.is_some() {
            break (ended, staying);
        }
    };
    let starts: Vec<&EndedStart> = ended.starts.values().collect();
    if starts.iter().any(|start| start.report.record.action.is_start()) {
        arguments.note_state_folder(state_folder);
    }
    if let Some(signal) = ended.signal {
        return if arguments.detaches() { Ok(Exit::Signal(signal)) } else { staying.give_up(Exit::Signal(signal)) };
    }
    let meant = ended.starts.iter().filter(|(index, _)| named.contains(index)).map(|(_, start)| start);
    print(arguments, meant, out)?;
    let is_started = |start: &&EndedStart| start.report.record.action == Action::Started;
    if !is_known && starts.iter().any(is_started) && arguments.detaches() {
        let file = arguments.file.as_ref().filter(|_| !words::is_found_here(folder));
        let of = file.map(|path| format!(" --file {}", typed([&*path.to_string_lossy()].into_iter())));
        let of = of.unwrap_or_default();
        arguments.note(&text::escape(&format!(
            "hint: ensure-up{of} --status shows them, --logs NAME prints the log of one, --stop stops them"
        )));
    }
    match starts.iter().find(|start| start.status != 0) {
        Some(failed) if arguments.detaches() => Ok(Exit::Code(failed.status)),
        Some(failed) => staying.give_up(Exit::Code(failed.status)),
        None if arguments.detaches() => Ok(Status::Done.into()),
        None => staying.stay(arguments.spec.grace),
    }
}

fn check_usage(arguments: &Arguments) -> Result<(), UsageError> {
    let clashing = [("a command", !arguments.spec.command.is_empty()), ("--port", arguments.spec.port.is_some())];
    match clashing.into_iter().find(|(_, given)| *given) {
        Some((what, _)) => Err(UsageError::new(format!("{what} goes with one server, not with services of a file"))),
        None => usage::all_or_names(arguments, &arguments.names, "starts every service"),
    }
}

/// Says what became of a start that this call was asked to give up.
fn gave_up(arguments: &Arguments, display: &Display, start: &EndedStart) {
    let StartReport { record, explanation, .. } = &start.report;
    let said = match explanation {
        Some(explanation) => explanation.message.clone(),
        // the signal came before its process had begun
        None if start.status != 0 => format!("{} was not started", text::escape(&record.name)),
        None => return,
    };
    if !arguments.common.quiet {
        display.say(&arguments.look().pids(&said));
    }
}

/// Says which servers a call has brought up before it was given up, and how they are stopped.
fn goes_on(services: &[ServiceSpec], ended: &EndedStarts) -> Option<String> {
    ended.signal?;
    let (mut names, mut handles) = (Vec::new(), Vec::new());
    for (index, EndedStart { report: StartReport { record, .. }, status }) in &ended.starts {
        if *status == 0 && record.action.is_start() && record.pid.is_some() {
            let spec = &services[*index];
            names.push(text::escape(&record.name));
            handles.extend(words::handle(&service(spec, record), record.port.map(|number| spec.port_at(number))));
        }
    }
    let stop = format!("ensure-up --stop {} stops", handles.join(" "));
    Some(match names.as_slice() {
        [] => return None,
        [name] => format!("{name} goes on: this call started it; {stop} it"),
        [names @ .., last] => format!("{} and {last} go on: this call started them; {stop} them", names.join(", ")),
    })
}

/// Names the service that a start was of.
pub(super) fn service(spec: &ServiceSpec, record: &StartRecord) -> ServiceId {
    let folder = record.folder.as_ref().map(PathBuf::from).unwrap_or_default();
    ServiceId { folder, name: spec.name.clone() }
}

/// Writes what was asked for of those that are up and are meant, in the file's order: what these need was not asked for.
fn print<'s>(
    arguments: &Arguments,
    meant: impl Iterator<Item = &'s EndedStart>,
    out: &mut dyn Write,
) -> Result<(), OutputError> {
    let mut up = meant.filter(|start| start.status == 0).map(|start| &start.report.record);
    if let Some(print) = arguments.print {
        let texts = up.by_ref().map(|record| print.of(record));
        texts.filter(|text| !text.is_empty()).try_for_each(|text| writeln!(out, "{text}"))?;
    }
    if arguments.pids {
        for pid in proc_tree::ascending(up.flat_map(|record| record.pids.clone())) {
            writeln!(out, "{pid}")?;
        }
    }
    Ok(out.flush()?)
}
