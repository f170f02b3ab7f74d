//! proc-tree, run as a user runs it: what a process tree uses.

mod support;

use support::{Fixture, Tool};

fn proc_tree() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_proc-tree"))
}

#[test]
fn forked_children_count_as_members_of_their_tree() {
    let server = Fixture::start(["serve", "--forks", "3", "127.0.0.1:0"]);
    let output = proc_tree().arg("--json").arg(server.pid().to_string()).any_stdout().run();
    let records = output.records();
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["pid"], &records[0]["processes"]), (&server.pid().into(), &4.into()));
}

#[test]
fn no_such_process_is_status_one() {
    proc_tree().arg("2147483646").status(1).stderr("proc-tree: process 2147483646 does not exist\n").run();
}

#[test]
fn a_bad_pid_is_status_two_and_says_what_was_expected() {
    for bad in ["0", "x", "+1", "2147483648"] {
        proc_tree()
            .arg(bad)
            .status(2)
            .stderr(format!("proc-tree: invalid PID {bad:?}: expected a number from 1 to 2147483647\n"))
            .run();
    }
}
