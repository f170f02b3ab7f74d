//! One service, as the command line describes it.

use std::io::Write;

use ensure_up::{
    Call, Clock, Failure, Observer, Outcome, Service, StateFolder, Up, Waiting, report::start_record::StartRecord,
    start,
};
use proc_tree::cli::{args::OutputError, status::Exit};

use super::{
    arguments::Arguments,
    attached::{self, Begun, Settled, Staying},
    display::Display,
    status::{self, Status},
    usage, waits, why, words,
};

/// Sees to it that the service is up, says so, and stays if that was asked for.
pub(super) fn start(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let service = usage::resolve(arguments.spec.clone())?;
    let clock = Clock::start(service.timeout());
    let display = Display::of(arguments);
    let ensured = settled(arguments, &service, clock, &|waiting| {
        display.told(0, &service.name(), service.timeout(), waiting);
    });
    let last = display.last(0);
    // its line is wiped before anything is said
    drop(display);
    match ensured {
        Ok((state_folder, begun, (outcome, server), settled)) => {
            report(arguments, &service, &outcome, out)?;
            if outcome.action.is_start() {
                arguments.note_state_folder(&state_folder);
            }
            if arguments.detaches() {
                return Ok(Status::Done.into());
            }
            let mut staying = Staying::new(arguments, &state_folder, begun);
            staying.add(&service, &outcome, server, settled)?;
            staying.stay(service.spec.grace)
        }
        Err(failure) => {
            if arguments.json {
                why::failed(&failure, &service).write(out).map_err(OutputError)?;
            }
            if matches!(failure, Failure::Interrupted(_)) {
                arguments.note(&arguments.look().pids(&waits::interrupted(&service.name(), last.as_ref())));
            } else {
                why::explain(&failure, &service).lines().for_each(|line| words::say(&line));
            }
            Ok(status::after(&failure))
        }
    }
}

/// Sees to it that the service is up, and stays so while this call needs it.
fn settled(
    arguments: &Arguments,
    service: &Service,
    clock: Clock,
    tell: &dyn Fn(&Waiting),
) -> Result<(StateFolder, Begun, Up, Settled), Failure> {
    let mut usage = attached::begin(arguments, service)?;
    loop {
        let (state_folder, up) = ensure(service, clock, tell)?;
        let Outcome { port, action, .. } = up.0;
        let mut begun = Begun::in_folder(&state_folder);
        if action.is_start() && !arguments.detaches() && !service.spec.once {
            begun.add(&service.id, port);
        }
        if let Some(settled) =
            attached::settle(arguments, &state_folder, &service.id, port, action.is_start(), usage.take())?
        {
            return Ok((state_folder, begun, up, settled));
        }
    }
}

/// Sees to it that the service is up, and tells what is waited for.
pub(super) fn ensure(service: &Service, clock: Clock, tell: &dyn Fn(&Waiting)) -> Result<(StateFolder, Up), Failure> {
    let state_folder = StateFolder::find()?;
    let call = Call { service, state_folder: &state_folder, clock, observer: Observer::new(tell) };
    let up = start::ensure(&call)?;
    Ok((state_folder, up))
}

/// Writes what was asked for, and says what was done.
fn report(arguments: &Arguments, service: &Service, outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
    let record = StartRecord::up(outcome);
    if arguments.json {
        record.write(out)?;
    }
    if let Some(print) = arguments.print {
        let text = print.of(&record);
        // where there is none, as of a worker's port, there is no line
        if !text.is_empty() {
            writeln!(out, "{text}")?;
        }
    }
    if arguments.pids {
        outcome.pids.iter().try_for_each(|pid| writeln!(out, "{pid}"))?;
    }
    out.flush()?;
    if arguments.common.quiet {
        // what the sentence says of the server's process is read for it alone
        return Ok(());
    }
    let is_news = outcome.is_first && arguments.detaches();
    let how = if is_news { words::handling(service, outcome.port) } else { String::new() };
    arguments.note(&format!("{}{how}", words::sentence(outcome, &arguments.look())));
    for note in &outcome.notes {
        arguments.note(&format!("note: {note}"));
    }
    Ok(())
}
