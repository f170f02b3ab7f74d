//! `port-kill`: frees ports, and proves it. Joins arguments, streams and exit status; the library does the work.

mod ask;
mod cli;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use proc_tree::cli::args::{self, OutputError};

use cli::{Cli, Status};

const NAME: &str = "port-kill";

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(run(&cli)),
        Err(error) => match args::usage_error(NAME, &error) {
            Some(message) => say(&message, Status::Usage),
            None => finish(
                write!(io::stdout(), "{}", error.render())
                    .map_err(|error| OutputError(error).into())
                    .map(|()| Status::Done),
            ),
        },
    }
}

fn run(cli: &Cli) -> anyhow::Result<Status> {
    let mut out = io::stdout().lock();
    match cli.common.generate {
        Some(page) => page.write(Cli::command(), &mut out).map_err(OutputError)?,
        None => return cli.run(&mut out),
    }
    Ok(Status::Done)
}

fn finish(result: anyhow::Result<Status>) -> ExitCode {
    match result {
        Ok(status) => status.into(),
        Err(error) if error.downcast_ref().is_some_and(OutputError::is_closed_pipe) => Status::Done.into(),
        Err(error) => say(&format!("{NAME}: {}", args::failure(error.chain())), Status::from_error(&error)),
    }
}

/// Says what went wrong; there is nothing left to do when stderr is closed.
fn say(message: &str, status: Status) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    status.into()
}
