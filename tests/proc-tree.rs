//! proc-tree, run as a user runs it: what a process tree uses.

mod support;

use support::{Fixture, Tool};

fn proc_tree() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_proc-tree"))
}

#[test]
fn forked_children_count_as_members_of_their_tree() {
    let server = Fixture::start(["serve", "--forks", "3", "127.0.0.1:0"]);
    let output = proc_tree().arg(server.pid().to_string()).any_stdout().run();
    assert_eq!(
        output.stdout,
        format!(
            "PID{:1$}NAME     PROCS  THREADS\n{2}  fixture  4      4\n",
            "",
            server.pid().to_string().len() - 1,
            server.pid()
        )
    );
}

#[test]
fn no_such_process_is_status_one() {
    proc_tree().arg("2147483646").status(1).run();
}

#[test]
fn a_bad_pid_is_status_two_and_says_what_was_expected() {
    for bad in ["0", "x", "+1", "2147483648"] {
        proc_tree()
            .arg(bad)
            .status(2)
            .stderr("proc-tree: expected a PID (a number from 1 to 2147483647) or a JSON object with \"pid\"\n")
            .run();
    }
}
