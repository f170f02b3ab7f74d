//! The log of a server that is kept up: rotated by size, followed across rotations, nothing lost.

use std::{
    fs,
    io::{BufRead, BufReader},
};

use crate::{
    kept::scripted,
    site::{Site, send},
    support::eventually,
};

const LINES: usize = 3000;

/// A server beside which lines are written once a file is there.
fn talkative() -> Vec<String> {
    let writer = "until [ -e go ]; do sleep 0.02; done; i=0; \
                  while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done";
    scripted(&format!(r#"({writer}) & exec "$@""#))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with("line ")).map(str::to_owned).collect()
}

fn expected() -> Vec<String> {
    (0..LINES).map(|number| format!("line {number}")).collect()
}

#[test]
fn a_log_is_rotated_by_size_and_nothing_is_lost() {
    let site = Site::new();
    site.kept(&["--log-max-size", "4K", "--log-keep", "50"], &talkative());
    site.write("go", "");
    eventually("the last line", || site.logged().contains("line 2999\n"));
    let old = (1..50).rev().filter_map(|number| fs::read_to_string(format!("{}.{number}", site.log().display())).ok());
    let logs: Vec<String> = old.chain([site.logged()]).collect();
    assert!(logs.len() > 5, "{} logs", logs.len());
    assert!(logs.iter().all(|log| log.len() <= 4096 && log.ends_with('\n')));
    assert!(lines(&logs.concat()) == expected(), "lines are missing or out of order");
}

#[test]
fn no_more_old_logs_are_kept_than_asked_for() {
    let site = Site::new();
    site.kept(&["--log-max-size", "2K", "--log-keep", "2"], &talkative());
    site.write("go", "");
    eventually("the last line", || site.logged().contains("line 2999\n"));
    let names = fs::read_dir(site.path("state")).expect("the state folder").flatten();
    let logs = names.filter(|entry| entry.file_name().to_string_lossy().contains(".log")).count();
    assert_eq!(logs, 3);
}

#[test]
fn a_log_is_followed_across_its_rotations() {
    let site = Site::new();
    let line = site.kept(&["--name", "talker", "--log-max-size", "8K", "--log-keep", "50"], &talkative());
    assert_eq!(line.log, Some(site.file_of(&site.folder(), Some("talker"), "log")));
    let mut follower = site.bare().args(["--logs", "talker", "-f"]).spawn();
    let reader = BufReader::new(follower.stdout.take().expect("stdout is a pipe"));
    let mut seen = reader.lines().map_while(Result::ok);
    // what was there before
    assert!(seen.any(|line| line.starts_with("ready ")));
    site.write("go", "");
    let seen: Vec<String> = seen.filter(|line| line.starts_with("line ")).take(LINES).collect();
    assert!(seen == expected(), "from {:?} to {:?}", seen.first(), seen.last());
    send(follower.id(), nix::sys::signal::Signal::SIGTERM);
    follower.wait().expect("it ends");
}

#[test]
fn what_a_server_says_last_is_in_its_log() {
    let site = Site::new();
    let command = scripted("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; exit 3");
    let output = site.keep(&["--max-restarts", "0/60s"], &command).status(5).run();
    assert!(output.stderr.contains("\n  line 4999\n"), "{}", output.stderr);
    assert_eq!(lines(&site.logged()).len(), 5000);
    assert!(site.entry().reason.is_some_and(|reason| reason.contains("line 4999")));
}

#[test]
fn a_log_that_is_rotated_while_a_server_starts_still_says_that_it_is_ready() {
    let site = Site::new();
    let script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo up and running; \
                  i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exec \"$@\"";
    let options = ["--ready-log", "up and running", "--log-max-size", "4K", "--log-keep", "50"];
    assert_eq!(site.kept(&options, &scripted(script)).action, "started");
}
