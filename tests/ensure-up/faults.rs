//! Commands that are killed or interrupted anywhere, starts, kills and stops side by side, few threads and few descriptors: short runs of the
//! scripts for it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{fixture_path, installed, is_root_or_skipped, project, skipped};

/// Runs a script on the binaries that these tests use.
fn held(script: &str, options: &[&str]) {
    if !is_root_or_skipped() || ["unshare", "python3"].into_iter().any(|needed| installed(needed).is_none()) {
        return;
    }
    let path = project().join("tests/faults").join(script);
    let examples = fixture_path();
    let binaries = examples.parent().and_then(Path::parent).expect("a build folder");
    let output = Command::new(path).args(options).arg("--binaries").arg(binaries).stdin(Stdio::null()).output();
    let output = output.expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if said.starts_with("skipped: ") {
        return skipped(said.trim_start_matches("skipped: ").trim_end());
    }
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn commands_that_are_killed_or_interrupted_leave_one_server_to_the_next_call() {
    held("killed", &["--random", "8", "--calls", "0"]);
    let commands = "^(start --keep-up|--stop|--then): SIG(KILL|TERM)";
    held("killed", &["--random", "0", "--calls", "1", "--of", "flock,connect,pidfd_send_signal", "--only", commands]);
}

#[test]
fn loops_of_start_kill_status_and_stop_side_by_side_lose_nothing_and_never_lie() {
    held("loops", &["--rounds", "20", "--lanes", "3"]);
}

#[test]
fn few_threads_and_few_descriptors_are_told_and_nothing_is_left() {
    for (command, threads, descriptors) in [
        ("port-who PORT", "0", "5"),
        ("port-kill PORT", "0", "6"),
        ("proc-tree -- CMD", "1", "4"),
        ("health-wait --once", "2", "9"),
        ("ensure-up --keep-up", "5", "3"),
        ("ensure-up --stop --all", "1", "8"),
    ] {
        held("limits", &["--only", command, "--threads", threads, "--descriptors", descriptors]);
    }
}
