//! A search for free ports.

use std::io::Write;

use port_who::report;
use proc_tree::cli::args::OutputError;

use super::{arguments::Arguments, hint, status::Status};

/// Prints the first free ports.
pub(super) fn find(arguments: &Arguments, count: u16, out: &mut dyn Write) -> anyhow::Result<Status> {
    let free = port_who::free(&arguments.query(), count.into())?;
    let written = if arguments.json {
        report::free(&free.ports, out)
    } else {
        free.ports.iter().try_for_each(|port| writeln!(out, "{port}"))
    };
    written.map_err(OutputError)?;
    hint::say(arguments, hint::detached("--free", arguments).as_slice());
    if free.ports.len() == usize::from(count) {
        return Ok(Status::Done);
    }
    hint::say(arguments, &hint::left_out(&free));
    Ok(Status::No)
}
