//! One service, as the command line describes it.

use std::io::{self, IsTerminal, Write};

use ensure_up::{
    Call, Clock, Failure, Folders, Outcome, Service, ServiceSpec, Up, report::start_record::StartRecord, start,
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
};

use super::{
    arguments::Arguments,
    attached,
    status::{self, Status},
    words,
};

/// Sees to it that the service is up, says so, and stays if that was asked for.
pub(super) fn start(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let service = resolve(arguments.spec.clone())?;
    match ensure(&service) {
        Ok((folders, (outcome, server))) => {
            report(arguments, &outcome, out)?;
            match (&arguments.then, arguments.foreground) {
                (None, false) => Ok(Status::Done.into()),
                _ => attached::stay(arguments, &service, &folders, &outcome, server),
            }
        }
        Err(failure) => {
            if arguments.json {
                words::failed(&failure, &service).write(out).map_err(OutputError)?;
            }
            words::explain(&failure).lines().for_each(|line| words::say(&line));
            Ok(status::after(&failure))
        }
    }
}

/// Makes what runs of what was asked for; what cannot run was asked for wrongly.
pub(super) fn resolve(spec: ServiceSpec) -> Result<Service, UsageError> {
    Service::try_from(spec).map_err(|error| UsageError::new(error.to_string()))
}

/// Sees to it that the service is up.
pub(super) fn ensure(service: &Service) -> Result<(Folders, Up), Failure> {
    let clock = Clock::start(service.timeout());
    let folders = Folders::find()?;
    let up = start::ensure(&Call { service, folders: &folders, clock })?;
    Ok((folders, up))
}

fn report(arguments: &Arguments, outcome: &Outcome, out: &mut dyn Write) -> Result<(), OutputError> {
    let sentence = words::sentence(outcome);
    if arguments.json {
        StartRecord::up(outcome).write(out)?;
    } else if arguments.table || (io::stdout().is_terminal() && !arguments.pids) {
        writeln!(out, "{sentence}").and_then(|()| out.flush())?;
    } else if (arguments.then.is_some() || arguments.foreground) && !arguments.pids {
        // what the command writes is the result
        arguments.note(&sentence);
    } else {
        for pid in &outcome.pids {
            writeln!(out, "{pid}")?;
        }
        out.flush()?;
        arguments.note(&sentence);
    }
    for note in &outcome.notes {
        arguments.note(&format!("note: {note}"));
    }
    Ok(())
}
