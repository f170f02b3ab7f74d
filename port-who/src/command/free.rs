//! A search for free ports.

use std::io::Write;

use proc_tree::cli::args::OutputError;
use serde::Serialize;

use super::{arguments::Arguments, hint, status::Status};

/// The JSON form of a free port.
#[derive(Debug, Serialize)]
struct FreePort {
    port: u16,
}

/// Prints the first free ports.
pub(super) fn find(arguments: &Arguments, count: u16, out: &mut dyn Write) -> anyhow::Result<Status> {
    let free = port_who::free(&arguments.query(), count.into())?;
    for &port in &free.ports {
        let line = if arguments.json { serde_json::to_string(&FreePort { port })? } else { port.to_string() };
        writeln!(out, "{line}").map_err(OutputError)?;
    }
    hint::say(arguments, hint::detached("--free", arguments).as_slice());
    if free.ports.len() == usize::from(count) {
        return Ok(Status::Done);
    }
    hint::say(arguments, &hint::left_out(&free));
    Ok(Status::No)
}
