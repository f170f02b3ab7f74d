//! Several servers are stopped: dependents first, at once where they do not depend on each other, and said.

use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    file::{run, site},
    site::send,
    support::{Terminal, eventually},
};

const STUBBORN: [(&str, &str, &str); 3] = [
    ("web", "--ignore-term", "grace = \"3s\""),
    ("api", "--ignore-term", "grace = \"3s\""),
    ("db", "--ignore-term", "grace = \"3s\""),
];

/// Two in a row would take this long.
const TWO: Duration = Duration::from_secs(6);

#[test]
fn three_servers_that_ignore_the_signal_take_one_grace_and_each_says_so() {
    let site = site(&STUBBORN);
    run(&site, &["--all"]).run();
    let began = Instant::now();
    let terminal = Terminal::start(site.bare().args(["--stop"]).command(), 160, 24);
    terminal.shows(", and 2 other servers");
    let (status, screen) = terminal.end();
    assert!(status.success() && began.elapsed() < TWO, "{screen}");
    let plain = regex::Regex::new("\u{1b}\\[[0-9;]*[mK]").unwrap().replace_all(&screen, "").into_owned();
    for (name, ..) in STUBBORN {
        let said = format!("{name}: SIGTERM ignored, SIGKILL after 3.00 s: fixture (");
        assert!(plain.contains(&said) && plain.contains(&format!("stopped {name} on port ")), "{plain}");
    }
    assert!(site.processes().is_empty());
}

#[test]
fn how_long_all_may_take_is_said_with_all() {
    let site = site(&STUBBORN[..2]);
    run(&site, &["--all"]).run();
    let refused = run(&site, &["--stop", "--grace", "200ms"]).status(2).run().stderr;
    assert_eq!(refused, "ensure-up: --grace names no server: give its name or its port\n");
    assert_eq!(site.alive().len(), 2);
    let said = run(&site, &["--stop", "--all", "--grace", "200ms"]).run().stderr;
    assert_eq!(said.matches("SIGTERM ignored, SIGKILL after 0.20 s").count(), 2, "{said}");
    run(&site, &["--all"]).run();
    let said = run(&site, &["--stop", "--all", "--stop-signal", "INT"]).run().stderr;
    assert_eq!((said.matches("stopped ").count(), said.contains("ignored")), (2, false), "{said}");
    assert!(site.processes().is_empty());
}

#[test]
fn the_end_of_a_command_stops_them_at_once_too() {
    let site = site(&STUBBORN);
    let output = run(&site, &["--all", "--then", "date +%s%N > end"]).run();
    let ended: u128 = std::fs::read_to_string(site.path("end")).unwrap().trim().parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    assert!(now - ended < TWO.as_nanos(), "{output:?}");
    assert_eq!(output.stderr.matches("SIGTERM ignored, SIGKILL after 3.00 s").count(), 3, "{output:?}");
    assert!(site.processes().is_empty());
}

#[test]
fn dependents_go_first_and_what_still_needs_a_server_is_said() {
    let site = site(&[("web", "", "depends_on = \"api\""), ("api", "", "depends_on = \"db\""), ("db", "", "")]);
    run(&site, &["--all"]).run();
    let output = run(&site, &["--stop", "db"]).run();
    assert!(output.stderr.starts_with("note: db: api needs it and runs on\nstopped db "), "{output:?}");
    run(&site, &["db"]).run();
    let output = run(&site, &["--stop", "db", "api"]).run();
    let said: Vec<&str> = output.stderr.lines().map(|line| line.split(" on port ").next().unwrap()).collect();
    assert_eq!(said, ["note: api: web needs it and runs on", "stopped api", "stopped db"]);
    assert_eq!(run(&site, &["--stop"]).run().stderr.lines().filter(|line| line.starts_with("note")).count(), 0);
}

#[test]
fn a_signal_ends_all_stops_that_are_under_way_and_begins_no_other() {
    let site = site(&[
        ("web", "--ignore-term", "grace = \"60s\"\ndepends_on = \"db\""),
        ("api", "--ignore-term", "grace = \"60s\""),
        ("db", "", ""),
    ]);
    run(&site, &["--all"]).run();
    let tool = site.bare();
    let terminal = Terminal::start(tool.args(["--stop"]).command(), 120, 24);
    terminal.shows(" is asked to end by SIGTERM; SIGKILL in 60 s, and another server");
    send(terminal.pid(), Signal::SIGTERM);
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32), "{screen}");
    eventually("nobody else to be stopped", || site.alive().len() == 3);
}
