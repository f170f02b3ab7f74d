//! Trees with more processes than descriptors may be open, and what of a tree may not be signalled.

use std::{os::unix::process::CommandExt, process::Command};

use proc_tree::{RunState, process};

use super::{BINARY, Said, is_free, port_kill, quiet_address};
use crate::support::{Fixture, NOBODY, Tool, filter::without_pidfds, is_root_or_skipped, runs};

/// Runs port-kill with so few descriptors, where there are pidfds and where there are none. It must not wait for anybody who
/// has ended: the grace is longer than this test may take.
fn with_descriptors(limit: &str, pidfds: bool, flags: &str, server: &Fixture) -> Said {
    let line = format!("ulimit -n {limit}; exec {BINARY} --grace 1h --json {flags} {}", server.port());
    let mut tool = Tool::new("sh").args(["-c", &line]).any_stdout();
    if !pidfds {
        without_pidfds(tool.command());
    }
    Said::by(&tool.run())
}

#[test]
fn a_tree_of_more_processes_than_descriptors_ends_to_the_last_one() {
    // all are young: they are halted before they are signalled
    for (limit, children, flags) in [
        ("16", "30", ""),
        ("20", "60", ""),
        ("64", "60", ""),
        ("64", "100", ""),
        ("256", "300", ""),
        ("16", "40", "--force"),
    ] {
        for pidfds in [true, false] {
            let case = format!("{limit} {children} {flags} pidfds: {pidfds}");
            let server = Fixture::start(["brood", children, &quiet_address()]);
            let said = with_descriptors(limit, pidfds, &format!("--tree {flags}"), &server);
            assert_eq!(said.pids(), server.pids(), "{case}");
            assert!(
                said.processes.iter().all(|one| one.outcome == "terminated" || one.outcome == "killed"),
                "{said:?}"
            );
            assert!(server.pids().into_iter().all(|pid| !runs(pid)), "{case}");
        }
    }
}

#[test]
fn holders_beyond_the_descriptors_are_stopped_too() {
    for (limit, shape, pidfds) in
        [("16", "--reuseport", true), ("16", "--reuseport", false), ("16", "--forks", true), ("16", "--forks", false)]
    {
        let server = Fixture::start(["serve", shape, "40", &quiet_address()]);
        let said = with_descriptors(limit, pidfds, "", &server);
        assert_eq!(said.pids(), server.pids(), "{shape} pidfds: {pidfds}");
        assert!(said.processes.iter().all(|one| one.outcome == "terminated"), "{said:?}");
        assert!(is_free(server.port()));
    }
}

#[test]
fn with_too_few_descriptors_to_look_nobody_is_signalled_and_nobody_is_left_halted() {
    for limit in 4..12 {
        for pidfds in [true, false] {
            let server = Fixture::start(["brood", "30", &quiet_address()]);
            let line = format!("ulimit -n {limit}; exec {BINARY} --tree --json {}", server.port());
            let mut command = Command::new("sh");
            command.args(["-c", &line]);
            if !pidfds {
                without_pidfds(&mut command);
            }
            let output = command.output().expect("a shell runs");
            let states: Vec<Option<RunState>> =
                server.pids().into_iter().map(|pid| process::stat(pid).ok().flatten().map(|stat| stat.state)).collect();
            let case = format!("{limit} pidfds: {pidfds} {output:?} {states:?}");
            assert!(!states.contains(&Some(RunState::Stopped)), "{case}");
            let ended = server.pids().into_iter().filter(|&pid| !runs(pid)).count();
            assert_eq!(ended, if output.status.success() { server.pids().len() } else { 0 }, "{case}");
        }
    }
}

#[test]
fn descendants_that_outlive_their_server_are_all_named_though_there_are_more_than_descriptors() {
    let server = Fixture::start(["brood", "30", &quiet_address()]);
    let line = format!("ulimit -n 16; exec {BINARY} --json {}", server.port());
    let said = Said::by(&Tool::new("sh").args(["-c", &line]).any_stdout().any_stderr().run());
    assert_eq!(said.pids(), server.pids());
    assert!(server.said_pids().into_iter().all(|pid| said.outcome(pid) == "survived" && runs(pid)), "{said:?}");
}

#[test]
fn a_descendant_that_may_not_be_signalled_is_status_one_where_trees_are_stopped() {
    if !is_root_or_skipped() {
        return;
    }
    for (flags, status, outcome) in [(&["--tree"][..], 1, "denied"), (&[], 0, "survived")] {
        let mut command = Command::new(crate::support::fixture_path());
        command.args(["demoted", &quiet_address()]).process_group(0);
        let server = Fixture::spawn(command);
        let descendant = server.said_pids()[0];
        let tool = port_kill().arg("--json").args(flags).arg(server.port().to_string()).user(NOBODY);
        let said = Said::by(&tool.status(status).any_stdout().any_stderr().run());
        assert_eq!((said.outcome(server.pid()), said.outcome(descendant)), ("terminated", outcome), "{flags:?}");
        assert!(is_free(server.port()) && runs(descendant));
    }
}
