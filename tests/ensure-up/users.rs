//! Other users: a holder that cannot be seen is held all the same, and what is not allowed is said.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
};

use crate::{
    site::Site,
    support::{Fixture, NOBODY, Tool, fixture_path, is_root_or_skipped, skipped},
};

fn nobodys(site: &Site) -> Option<PathBuf> {
    site_of(site, NOBODY)
}

/// Gives the site to a user that owns nothing else, with a copy of the fixture that it can run.
pub(crate) fn site_of(site: &Site, uid: u32) -> Option<PathBuf> {
    if !is_root_or_skipped() {
        return None;
    }
    fs::set_permissions(site.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(site.folder(), Some(uid), Some(uid)).unwrap();
    let copy = site.path("fixture");
    fs::copy(fixture_path(), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    Some(copy)
}

fn run(site: &Site, options: &[&str], address: &str) -> Tool {
    run_as(site, NOBODY, options, address)
}

pub(crate) fn run_as(site: &Site, uid: u32, options: &[&str], address: &str) -> Tool {
    let copy = site.word("fixture");
    let tool = site.tool().args(options).args(["--", &copy, "serve", "--count", &site.word("count"), address]);
    tool.user(uid).cwd(&site.folder())
}

#[test]
fn a_port_that_somebody_invisible_holds_is_status_four_with_the_hint() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    let _stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    let output = run(&site, &[], "127.0.0.1:{port}").status(4).run();
    let expected = format!(
        "ensure-up: port {0} is held by another program\n  ?  (not visible to you)   user root\nhint: sudo port-kill {0} frees it\n",
        site.port
    );
    assert_eq!(output.stderr, expected);
    assert!(site.started().is_empty());
    // nor can it be stopped
    let output = run(&site, &["--replace"], "127.0.0.1:{port}").status(125).run();
    assert!(output.stderr.contains("is still held by a process that is not visible"), "{}", output.stderr);
}

#[test]
fn an_invisible_holder_is_adopted_by_its_answer_alone() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    let _stranger = Fixture::start(["serve", "--body", "mine", &format!("127.0.0.1:{}", site.port)]);
    let options = ["--json", "--health", "/", "--expect-body", "mine"];
    let line = crate::site::line(&run(&site, &options, "127.0.0.1:{port}").run());
    assert_eq!((line.action.as_str(), line.pid, line.pids.len()), ("adopted", None, 0));
    let options = ["--health", "/", "--expect-body", "other"];
    run(&site, &options, "127.0.0.1:{port}").status(4).run();
}

#[test]
fn an_unprivileged_user_starts_and_reuses_a_server() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    let first = crate::site::line(&run(&site, &["--json"], "127.0.0.1:{port}").run());
    let second = crate::site::line(&run(&site, &["--json"], "127.0.0.1:{port}").run());
    assert_eq!((first.action.as_str(), second.action.as_str(), second.pid), ("started", "reused", first.pid));
}

#[test]
fn the_server_of_another_user_is_not_roots_whatever_it_carries() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    let tool = run(&site, &["--json"], "127.0.0.1:{port}").env("HOME", "/nonexistent");
    let pid = crate::site::line(&tool.run()).pid.unwrap();
    let roots = |options: &[&str]| site.bare().env("ENSURE_UP_DIR", site.path("root")).args(options);
    let (port, copy) = (site.port.to_string(), site.word("fixture"));
    let command = ["--port", &port, "--", &copy, "serve", "--count", &site.word("count"), "127.0.0.1:{port}"];
    roots(&command).any_stderr().status(4).run();
    roots(&["--stop", &port]).any_stderr().status(4).run();
    assert_eq!(site.alive(), [pid]);
    let listed = roots(&["--status", "--everywhere", "--json"]).any_stdout().any_stderr().run();
    assert!(!listed.stdout.contains(&pid.to_string()), "{listed:?}");
}

#[test]
fn a_port_that_the_user_may_not_bind_shows_the_servers_own_error() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if first.trim() != "1024" {
        return skipped("every user may bind every port here");
    }
    let tool =
        site.bare().any_stderr().args(["--port", "1023", "--", &site.word("fixture"), "serve", "127.0.0.1:1023"]);
    let output = tool.user(NOBODY).cwd(&site.folder()).status(3).run();
    assert!(
        output.stderr.contains("ended with status 98") && output.stderr.contains("  cannot bind: Permission denied")
    );
}

#[test]
fn a_log_folder_that_the_user_may_not_write_to_is_status_125_before_anything_starts() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    fs::create_dir(site.path("roots")).unwrap();
    let output = run(&site, &["--log", "roots/log"], "127.0.0.1:{port}").status(125).run();
    let said = format!("ensure-up: cannot write the log {}: permission denied\n", site.path("roots/log").display());
    assert_eq!(output.stderr, said);
    assert!(site.started().is_empty());
}

#[test]
fn a_state_folder_that_the_user_may_not_write_to_is_status_125() {
    let site = Site::new();
    if nobodys(&site).is_none() {
        return;
    }
    run(&site, &[], "127.0.0.1:{port}").run();
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o500)).unwrap();
    // what is up can be reused all the same
    run(&site, &[], "127.0.0.1:{port}").run();
    site.clear();
    fs::remove_file(site.lock()).unwrap();
    let output = run(&site, &[], "127.0.0.1:{port}").status(125).run();
    assert!(output.stderr.starts_with("ensure-up: cannot lock ") && output.stderr.ends_with(": permission denied\n"));
    assert_eq!(site.started().len(), 1);
}
