//! `ensure-up`: start it only if it is not up. Joins arguments, streams and exit status; the library does the work.

mod command;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::CommandFactory;
use proc_tree::cli::args::{self, OutputError};

use command::{Cli, Exit, Status, UsageError};

const NAME: &str = "ensure-up";

fn main() -> ExitCode {
    match Cli::parse_arguments() {
        Ok(cli) => finish(run(&cli)),
        Err(error) => match args::usage_error(NAME, &error) {
            Some(message) => say(&message, Status::Usage),
            None => finish(
                write!(io::stdout(), "{}", error.render())
                    .map_err(|error| OutputError(error).into())
                    .map(|()| Exit::With(Status::Done)),
            ),
        },
    }
}

fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    match cli.common.generate {
        Some(page) => page.write(Cli::command(), &mut out).map_err(OutputError)?,
        None => return cli.run(&mut out),
    }
    Ok(Exit::With(Status::Done))
}

fn finish(result: anyhow::Result<Exit>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(error) if error.downcast_ref().is_some_and(OutputError::is_closed_pipe) => Exit::With(Status::Done).into(),
        Err(error) => {
            let usage = error.downcast_ref::<UsageError>();
            let hint =
                usage.and_then(|usage| usage.hint.as_ref()).map_or_else(String::new, |hint| format!("\nhint: {hint}"));
            let status = if usage.is_some() { Status::Usage } else { Status::Failed };
            say(&format!("{NAME}: {}{hint}", args::failure(error.chain())), status)
        }
    }
}

/// Says what went wrong; there is nothing left to do when stderr is closed.
fn say(message: &str, status: Status) -> ExitCode {
    let _ = writeln!(io::stderr(), "{message}");
    Exit::With(status).into()
}
