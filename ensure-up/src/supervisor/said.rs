//! What a supervisor says in its server's log.

use std::io::Write;

use proc_tree::cli::text;

use crate::{log::pump::Pump, start::clock::now};

/// Before everything that is said here.
pub(super) const MARK: &str = "ensure-up: ";

/// Says something in a server's log.
pub(super) fn say(output: &Pump, line: &str) {
    let _ = writeln!(output.pipe(), "{MARK}{} {}", now(), text::escape(line));
}
