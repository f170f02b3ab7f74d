//! A supervisor at rest: small, and asleep.

use std::{fs, thread, time::Duration};

use crate::{site::Site, support::eventually};

fn figures(pid: u32, keys: &[&str]) -> Vec<u64> {
    let mut figures = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).expect("the supervisor runs").flatten() {
        let text = fs::read_to_string(task.path().join("status")).expect("a status");
        let value = |key: &&str| {
            text.lines().find_map(|line| line.strip_prefix(*key)?.split_whitespace().next()?.parse::<u64>().ok())
        };
        figures.extend(keys.iter().filter_map(value));
    }
    figures
}

#[test]
fn a_supervisor_at_rest_does_not_wake_up() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let site = Site::new();
    let owner = std::process::id().to_string();
    site.kept(&["--reload-on", "*.py", "--owner", &owner, "--hold-socket"], &site.server(&["--inherited"]));
    let supervisor = site.supervisor().pid;
    let switches = || figures(supervisor, &["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"]);
    // it may still be busy with its last step
    eventually("a second without a wake-up", || {
        let before = switches();
        thread::sleep(Duration::from_secs(1));
        switches() == before
    });
}

#[test]
fn a_supervisor_at_rest_is_small() {
    if !cfg!(target_os = "linux") || cfg!(debug_assertions) {
        crate::support::skipped("only an optimised program is small");
        return;
    }
    let site = Site::new();
    site.kept(&["--health", "/"], &site.server(&[]));
    let supervisor = site.supervisor().pid;
    eventually("at most 4 MiB", || figures(supervisor, &["VmRSS:"])[0] <= 4096);
}
