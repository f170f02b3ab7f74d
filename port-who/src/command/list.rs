//! One look at the ports, and the report of it.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use anyhow::Context;
use port_who::{
    Answer,
    origin::origins,
    own_network,
    report::{self, Detail},
};
use proc_tree::cli::{args::OutputError, terminal::Look};

use super::{
    arguments::{Arguments, Format},
    hint, note,
    question::{self, Question},
    status::Status,
};

/// Lists the holders.
pub(super) fn list(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Status> {
    let Some(question) = Question::of(arguments)? else { return Ok(Status::No) };
    let answer = question.ask()?;
    question::check(&answer)?;
    write(arguments, &answer, None, out)?;
    note::say(arguments, &answer)?;
    hint::say(arguments, &hint::of_answer(&answer, arguments));
    Ok(if answer.holdings.is_empty() { Status::No } else { Status::Done })
}

/// Writes an answer in the format that is asked for, with the time of its round where there are rounds.
pub(super) fn write(
    arguments: &Arguments,
    answer: &Answer,
    sampled_at: Option<SystemTime>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let format = arguments.format();
    let is_explained = arguments.why && format != Format::Pids;
    let origins = is_explained.then(|| origins(answer.processes())).transpose();
    let origins = origins.context("cannot read the ancestors of a holder")?;
    let written = match format {
        Format::Json => report::json(answer, origins.as_ref(), sampled_at, out),
        Format::Pids => report::pids(answer, out),
        Format::OpenMetrics => report::openmetrics(answer, &arguments.ports, out),
        Format::Table => {
            let is_elsewhere = |netns: u64| own_network().is_some_and(|own| own != netns);
            let are_some_elsewhere = answer.holdings.iter().filter_map(|one| one.socket.netns).any(is_elsewhere);
            let (connections, netns) = (arguments.connections, arguments.all_netns || are_some_elsewhere);
            let detail = Detail { origins: origins.as_ref(), connections, netns };
            report::table(answer, &detail, out, &Look::of(&io::stdout(), arguments.common.color))
        }
    };
    Ok(written.map_err(OutputError)?)
}
