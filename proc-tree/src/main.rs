//! `proc-tree`: what a process tree uses. Joins arguments, streams and exit status; the library does the work.

mod command;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use proc_tree::cli::args::{self, OutputError};

use command::arguments::Cli;
use command::status::{Ending, Status, UsageError};

const NAME: &str = "proc-tree";

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(run(cli)),
        Err(error) => match args::usage_error(NAME, &error) {
            Some(message) => say(&message, Status::Usage),
            None => finish(
                write!(io::stdout(), "{}", error.render())
                    .map_err(|error| OutputError(error).into())
                    .map(|()| Status::Done.into()),
            ),
        },
    }
}

fn run(cli: Cli) -> anyhow::Result<Ending> {
    let mut out = io::stdout().lock();
    match cli.common.generate {
        Some(page) => page.write(Cli::command(), &mut out).map_err(OutputError)?,
        None => return cli.run(&mut out),
    }
    Ok(Status::Done.into())
}

fn finish(result: anyhow::Result<Ending>) -> ExitCode {
    match result {
        Ok(ending) => ending.end(),
        Err(error) if error.downcast_ref().is_some_and(OutputError::is_closed_pipe) => Status::Done.into(),
        Err(error) => {
            let hint =
                error.downcast_ref().map(|UsageError { hint, .. }| format!("\nhint: {hint}")).unwrap_or_default();
            let message = format!("{NAME}: {}{hint}", args::failure(error.chain()));
            say(&message, Status::from_error(&error))
        }
    }
}

/// Says what went wrong; there is nothing left to do when stderr is closed.
fn say(message: &str, status: Status) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    status.into()
}
