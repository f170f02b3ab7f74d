//! `ensure-up`: start it only if it is not up. Joins arguments, streams and exit status; the library does the work.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    proc_tree::cli::tool::main::<command::Arguments>()
}
