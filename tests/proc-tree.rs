//! proc-tree, run as a user runs it: what a process tree uses.

#[path = "proc-tree/cpu.rs"]
mod cpu;
#[path = "proc-tree/formats.rs"]
mod formats;
#[path = "proc-tree/limits.rs"]
mod limits;
#[path = "proc-tree/memory.rs"]
mod memory;
#[path = "proc-tree/record.rs"]
mod record;
#[path = "proc-tree/run.rs"]
mod run;
#[path = "proc-tree/selection.rs"]
mod selection;
#[path = "proc-tree/shapes.rs"]
mod shapes;
mod support;
#[path = "proc-tree/watch.rs"]
mod watch;

use record::Record;
use support::{Fixture, Tool};

fn proc_tree() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_proc-tree"))
}

/// Asks for the one record of one tree, with these arguments.
fn record_of(fixture: &Fixture, arguments: &[&str]) -> Record {
    let output = proc_tree().arg("--json").args(arguments).arg(fixture.pid().to_string()).any_stdout().run();
    let mut records = record::parse(&output.stdout);
    assert_eq!(records.len(), 1, "{}", output.stdout);
    records.remove(0)
}
