//! `port-kill`: frees ports, and proves it. Joins arguments, streams and exit status; the library does the work.

mod command;

use std::process::ExitCode;

use command::arguments::Arguments;

fn main() -> ExitCode {
    proc_tree::cli::tool::main::<Arguments>()
}
