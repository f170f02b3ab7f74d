//! Which processes are meant: arguments, lines of stdin, stale identities.

use std::{os::unix::process::CommandExt, process::Command};

use proc_tree::Identity;

use crate::{
    proc_tree, record,
    support::{Fixture, Terminal, Tool, fixture_path},
};

const NOBODY_HAS_THIS: u32 = 2_147_483_646;

fn idle() -> Fixture {
    Fixture::start(["load", "wide", "0"])
}

#[test]
fn no_such_process_is_status_one() {
    let message = format!("proc-tree: process {NOBODY_HAS_THIS} does not exist\n");
    proc_tree().arg(NOBODY_HAS_THIS.to_string()).status(1).stderr(message).run();
    proc_tree().args(["--quiet", &NOBODY_HAS_THIS.to_string()]).status(1).run();
}

#[test]
fn a_missing_process_among_others_is_named_and_no_failure() {
    let one = idle();
    let output = proc_tree()
        .arg("--json")
        .args([NOBODY_HAS_THIS, one.pid()].map(|pid| pid.to_string()))
        .any_stdout()
        .stderr(format!("proc-tree: process {NOBODY_HAS_THIS} does not exist\n"))
        .run();
    assert_eq!(record::parse(&output.stdout).len(), 1);
}

#[test]
fn a_bad_pid_is_status_two_and_says_what_was_expected() {
    for bad in ["0", "x", "+1", "2147483648", "1x"] {
        let hint = "hint: proc-tree $(pgrep -x x) takes processes by name; proc-tree -- x runs it\n";
        let hint = if bad == "x" { hint } else { "" };
        let message = format!("proc-tree: invalid PID {bad:?}: expected a number from 1 to 2147483647\n{hint}");
        proc_tree().arg(bad).status(2).stderr(message).run();
    }
}

#[test]
fn pids_and_records_come_from_stdin() {
    let (one, two) = (idle(), idle());
    let start_id = Identity::of(two.pid()).expect("it can be read").expect("it runs").start_id;
    let lines =
        format!("\n{}\r\n{{\"pid\":{},\"start_id\":{start_id},\"port\":8000,\"extra\":[]}}\n", one.pid(), two.pid());
    for arguments in [&["--json"][..], &["--json", "-"]] {
        let output = proc_tree().args(arguments).stdin(lines.clone()).any_stdout().run();
        let pids: Vec<_> = record::parse(&output.stdout).iter().map(|record| record.pid).collect();
        assert_eq!(pids, [Some(one.pid()), Some(two.pid()), None]);
    }
}

#[test]
fn more_than_any_machine_has_processes_is_no_list_of_them() {
    let said = "proc-tree: standard input is larger than 64.0 MiB, or has more than 4194304 lines\n";
    proc_tree().stdin("\n".repeat(1 << 22)).status(2).stderr(said).run();
}

#[test]
fn arguments_and_stdin_may_be_mixed() {
    let (one, two) = (idle(), idle());
    let output =
        proc_tree().args(["--json", &one.pid().to_string(), "-"]).stdin(two.pid().to_string()).any_stdout().run();
    assert_eq!(record::parse(&output.stdout).len(), 3);
}

#[test]
fn a_record_of_an_earlier_process_with_the_same_pid_is_gone() {
    let one = idle();
    let start_id = Identity::of(one.pid()).expect("it can be read").expect("it runs").start_id - 1;
    let line = format!("{{\"pid\":{},\"start_id\":{start_id}}}\n", one.pid());
    let message = format!("proc-tree: process {} is gone; its PID belongs to another process now\n", one.pid());
    proc_tree().stdin(line).status(1).stderr(message).run();
}

#[test]
#[cfg(target_os = "linux")]
fn a_thread_is_no_process_and_the_process_is_named() {
    // a test runs on a thread of its own
    let (thread, process) = (nix::unistd::gettid(), std::process::id());
    let message = format!("proc-tree: {thread} is no process but a thread of process {process}\n");
    proc_tree().arg(thread.to_string()).status(1).stderr(message).run();
}

#[test]
fn a_record_whose_owner_is_invisible_is_named_and_no_failure_among_others() {
    let one = idle();
    let message = "proc-tree: the process that holds port 5432 is not visible to you\n";
    let invisible = "{\"pid\":null,\"start_id\":null,\"port\":5432}\n";
    proc_tree().stdin(invisible).status(1).stderr(message).run();
    proc_tree().stdin(format!("{invisible}{}\n", one.pid())).any_stdout().stderr(message).run();
}

#[test]
fn empty_input_is_status_one() {
    for input in ["", "\n\n"] {
        proc_tree().stdin(input).status(1).stderr("proc-tree: standard input named no process\n").run();
    }
}

#[test]
fn a_bad_line_is_status_two_names_its_number_and_nothing_is_done() {
    let one = idle();
    for (input, line) in
        [(format!("{}\nbad\n", one.pid()), 2), ("{\"port\":8000}".into(), 1), ("{\"pid\":0}".into(), 1)]
    {
        let output = proc_tree().stdin(input).status(2).any_stderr().run();
        assert!(output.stderr.starts_with(&format!("proc-tree: standard input, line {line}: ")), "{}", output.stderr);
    }
}

#[test]
fn without_a_pid_on_a_terminal_the_hint_says_how_to_name_one() {
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_proc-tree"));
    let (status, screen) = Terminal::start(tool.command(), 100, 20).end();
    assert_eq!(status.code(), Some(2), "{screen}");
    assert!(screen.contains("proc-tree: no PID was given\r\nhint: name one: proc-tree PID"), "{screen}");
}

#[test]
fn with_job_a_tree_is_counted_from_the_top_of_the_process_group() {
    let mut command = Command::new(fixture_path());
    command.args(["load", "chain", "2"]).process_group(0);
    let chain = Fixture::spawn(command);
    let last = chain.said_pids()[0];
    let alone = record::parse(&proc_tree().args(["--json", &last.to_string()]).any_stdout().run().stdout).remove(0);
    assert_eq!((alone.pid, alone.processes), (Some(last), Some(1)));
    let output = proc_tree().args(["--json", "--job"]).stdin(last.to_string()).any_stdout().run();
    let records = record::parse(&output.stdout);
    assert_eq!((records.len(), records[0].pid, records[0].processes), (1, Some(chain.pid()), Some(3)), "{records:?}");
    assert_eq!(records[0].roots, [chain.pid(), last]);
}

#[test]
fn a_slip_is_status_two_and_the_line_that_was_meant() {
    for (arguments, said) in [
        (
            &["--"][..],
            "no command was given behind --\nhint: proc-tree -- COMMAND runs it and tells what it used; proc-tree PID looks at what runs",
        ),
        (
            &["--watch", "500ms", "4711"],
            "invalid PID \"500ms\": expected a number from 1 to 2147483647\nhint: proc-tree --watch=500ms 4711",
        ),
        (&["-p", "123"], "unexpected argument '-p' found\nhint: proc-tree 123"),
        (&["-d", "5", "-p", "123"], "unexpected argument '-d' found\nhint: proc-tree --watch=5 123"),
        (&["-n5", "123"], "unexpected argument '-n' found\nhint: proc-tree --watch=5 123"),
        (&["make", "-j8"], "unexpected argument '-j' found\nhint: proc-tree -- make -j8"),
        (&["sh", "-c", "a b"], "unexpected argument '-c' found\nhint: proc-tree -- sh -c 'a b'"),
        (&["-x"], "unexpected argument '-x' found\nhint: proc-tree --help shows the usage"),
    ] {
        proc_tree().args(arguments).status(2).stderr(format!("proc-tree: {said}\n")).run();
    }
}

#[test]
fn a_number_behind_watch_is_a_pid_and_the_hint_says_how_an_interval_is_given() {
    let pid = NOBODY_HAS_THIS;
    let expected = format!(
        "proc-tree: process {pid} does not exist\nhint: an interval is attached to its option: --watch={pid}\n"
    );
    proc_tree().args(["--watch", &pid.to_string()]).status(1).stderr(expected).run();
}

#[test]
fn a_zombie_has_ended() {
    let mut child = Command::new("true").spawn().expect("true runs");
    crate::support::eventually("a zombie", || {
        proc_tree::process::stat(child.id()).is_ok_and(|stat| stat.is_some_and(|stat| stat.has_ended()))
    });
    let message = format!("proc-tree: process {} does not exist\n", child.id());
    proc_tree().arg(child.id().to_string()).status(1).stderr(message).run();
    child.wait().expect("a child can be waited for");
}
