//! `health-wait`: block until it is healthy. Joins arguments, streams and exit status; the library does the work.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    proc_tree::cli::tool::main::<command::arguments::Arguments>()
}
