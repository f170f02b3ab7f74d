//! Trees with more processes than descriptors may be open, and what of a tree may not be signalled.

use std::{os::unix::process::CommandExt, process::Command};

use super::{BINARY, Said, is_free, port_kill, quiet_address};
use crate::support::{Fixture, NOBODY, Tool, is_root_or_skipped, runs};

#[test]
fn a_tree_of_more_processes_than_descriptors_ends_to_the_last_one() {
    for (limit, children, flags) in [("16", "30", ""), ("64", "100", ""), ("16", "40", "--force")] {
        let server = Fixture::start(["brood", children, &quiet_address()]);
        let line = format!("ulimit -n {limit}; exec {BINARY} --tree --json {flags} {}", server.port());
        let said = Said::by(&Tool::new("sh").args(["-c", &line]).any_stdout().run());
        assert_eq!(said.pids(), server.pids(), "{limit} {children}");
        assert!(said.processes.iter().all(|one| one.outcome == "terminated" || one.outcome == "killed"), "{said:?}");
        assert!(server.pids().into_iter().all(|pid| !runs(pid)), "{limit} {children}");
    }
}

#[test]
fn holders_beyond_the_descriptors_are_stopped_too() {
    let server = Fixture::start(["serve", "--reuseport", "40", &quiet_address()]);
    let line = format!("ulimit -n 16; exec {BINARY} --json {}", server.port());
    let said = Said::by(&Tool::new("sh").args(["-c", &line]).any_stdout().run());
    assert_eq!(said.pids(), server.pids());
    assert!(is_free(server.port()));
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
