//! `port-who`: who holds these ports. Joins arguments, streams and exit status; the library does the work.

mod cli;
mod run;
mod watch;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use port_who::hint;
use proc_tree::cli::args::{self, OutputError};

use cli::{Cli, Ending, Status};

const NAME: &str = "port-who";

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => finish(run(&cli)),
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

fn run(cli: &Cli) -> anyhow::Result<Ending> {
    match cli.common.generate {
        Some(page) => page.write(Cli::command(), &mut io::stdout().lock()).map_err(OutputError)?,
        None => return cli.run(),
    }
    Ok(Status::Done.into())
}

fn finish(result: anyhow::Result<Ending>) -> ExitCode {
    match result {
        Ok(ending) => ending.end(),
        Err(error) if error.downcast_ref().is_some_and(OutputError::is_closed_pipe) => Status::Done.into(),
        Err(error) => {
            let mut message = format!("{NAME}: {}", args::failure(error.chain()));
            if let Some(hint) = error.downcast_ref().and_then(hint::failed) {
                message.extend(["\nhint: ", hint]);
            }
            say(&message, Status::from_error(&error))
        }
    }
}

/// Says what went wrong; there is nothing left to do when stderr is closed.
fn say(message: &str, status: Status) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    status.into()
}
