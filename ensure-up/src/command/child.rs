//! What this program is when it starts itself: the supervisor of one server, or the one that starts a service of several.

use std::{
    cell::RefCell,
    io::{self, Read, Write},
};

use anyhow::Context;
use ensure_up::{
    Clock, Failure, Service, ServiceSpec, StateFolder, Waiting,
    report::start_record::StartRecord,
    service::handover,
    start::several::{EndedStart, Said, StartReport},
    supervisor::run,
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
};

use super::{
    one,
    status::{self, Status},
    usage, waits, why,
};

/// Supervises the server on a port, or of this name where it has none, which standard input describes.
pub(super) fn supervise(key: &str) -> anyhow::Result<Exit> {
    let Some(spec) = receive(&mut io::stdin().lock())? else { return Ok(Status::Done.into()) };
    let service = usage::resolve(spec)?;
    let port = service.ports.map(|_| key.parse().map_err(UsageError::new)).transpose()?;
    match run::run(&service, port, &StateFolder::find()?) {
        // its log has said so already
        Err(failure @ Failure::Broken { .. }) => Ok(status::after(&failure)),
        result => Ok(result.map(|()| Status::Done.into())?),
    }
}

fn receive(from: &mut dyn Read) -> anyhow::Result<Option<ServiceSpec>> {
    handover::receive(from).context("cannot read the service from standard input")
}

/// Starts the service that is described by `from`, and says to whoever started this process what it waits for and what came
/// of it.
pub(super) fn start(from: &mut dyn Read, out: &mut dyn Write) -> anyhow::Result<Exit> {
    // what every description is laid over is made while nothing is waited for
    drop(ServiceSpec::default());
    let Some(spec) = receive(from)? else { return Ok(Status::Done.into()) };
    let name = spec.name();
    let (report, exit) = match usage::resolve(spec) {
        Ok(service) => ensured(&service, out),
        Err(error) => {
            let message = error.to_string();
            let explanation = Some(why::message(message.clone()));
            let record = StartRecord::not_up(&name, None, message);
            (StartReport::not_up(record, explanation), Status::Usage.into())
        }
    };
    Said::Ended(Box::new(EndedStart { report, status: exit.status() })).write(out).map_err(OutputError)?;
    Ok(exit)
}

fn ensured(service: &Service, out: &mut dyn Write) -> (StartReport, Exit) {
    let (out, last) = (RefCell::new(out), RefCell::new(None));
    let tell = |waiting: &Waiting| {
        // nobody reads any more: the end of that is told otherwise
        let _ = Said::Waiting(waiting.clone()).write(*out.borrow_mut());
        last.replace(Some(waiting.clone()));
    };
    match one::ensure(service, Clock::start(service.timeout()), &tell) {
        Ok((_, (outcome, _))) => (StartReport::up(outcome), Status::Done.into()),
        Err(failure) => {
            let explanation = match failure {
                Failure::Interrupted(_) => why::message(waits::interrupted(&service.name(), last.borrow().as_ref())),
                _ => why::explain(&failure, service),
            };
            let record = why::failed(&failure, service);
            (StartReport::not_up(record, Some(explanation)), status::after(&failure))
        }
    }
}
