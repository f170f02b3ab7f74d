//! What this program is when it starts itself: the supervisor of one server, or the one that starts a service of several.

use std::io::{self, Read, Write};

use anyhow::Context;
use ensure_up::{
    Failure, Folders, ServiceSpec, report::start_record::StartRecord, service::handover, start::several::StartReport,
    supervisor::run,
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
};

use super::{
    one,
    status::{self, Status},
    words,
};

/// Supervises the server on a port, or of this name where it has none, which standard input describes.
pub(super) fn supervise(key: &str) -> anyhow::Result<Exit> {
    let service = one::resolve(receive(&mut io::stdin().lock())?)?;
    let port = service.ports.map(|_| key.parse().map_err(UsageError::new)).transpose()?;
    match run::run(&service, port, &Folders::find()?) {
        // its log has said so already
        Err(failure @ Failure::Broken { .. }) => Ok(status::after(&failure)),
        result => Ok(result.map(|()| Status::Done.into())?),
    }
}

fn receive(from: &mut dyn Read) -> anyhow::Result<ServiceSpec> {
    handover::receive(from).context("cannot read the service from standard input")
}

/// Starts the service that is described by `from`, and reports to whoever started this process.
pub(super) fn start(from: &mut dyn Read, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let spec = receive(from)?;
    let name = spec.name();
    let (report, exit) = match one::resolve(spec).map(|service| (one::ensure(&service), service)) {
        Ok((Ok((_, (outcome, _))), _)) => {
            let record = StartRecord::up(&outcome);
            (StartReport { record, explanation: None, notes: outcome.notes }, Status::Done.into())
        }
        Ok((Err(failure), service)) => {
            let record = words::failed(&failure, &service);
            (
                StartReport { record, explanation: Some(words::explain(&failure, &service)), notes: Vec::new() },
                status::after(&failure),
            )
        }
        Err(error) => {
            let message = error.to_string();
            let explanation = Some(words::message(message.clone()));
            (
                StartReport { record: StartRecord::not_up(&name, message), explanation, notes: Vec::new() },
                Status::Usage.into(),
            )
        }
    };
    serde_json::to_writer(&mut *out, &report)
        .map_err(io::Error::from)
        .and_then(|()| out.flush())
        .map_err(OutputError)?;
    Ok(exit)
}
