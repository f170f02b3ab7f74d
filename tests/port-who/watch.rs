//! The same question again and again.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;

use crate::{
    BINARY, lines, port_who,
    support::{Fixture, PATIENCE, Terminal, eventually, schema::checked},
};

#[derive(Deserialize)]
struct Sampled {
    pid: u32,
    sampled_at: String,
}

#[test]
fn json_streams_the_full_set_each_round_with_its_time() {
    let server = Fixture::start(["serve", "--forks", "1", "127.0.0.1:0"]);
    let output =
        port_who().args(["--json", "--watch=10ms", "--count", "3", &server.port().to_string()]).any_stdout().run();
    let records: Vec<Sampled> = crate::decode(&output.stdout);
    let pids: Vec<u32> = records.iter().map(|record| record.pid).collect();
    assert_eq!(pids, server.pids().repeat(3));
    let mut times: Vec<&str> = records.iter().map(|record| record.sampled_at.as_str()).collect();
    assert!(times.is_sorted() && times[0].ends_with('Z'), "{times:?}");
    times.dedup();
    assert_eq!(times.len(), 3, "one time for each round");
}

#[test]
fn pids_come_in_rounds_with_an_empty_line_between_them() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let round = lines(&[server.pid()]);
    let expected = format!("{round}\n{round}");
    port_who().args(["--watch=1ms", "--count", "2", &server.port().to_string()]).stdout(expected).run();
}

#[test]
fn a_terminal_is_redrawn_until_a_signal_gives_it_back() {
    let mut server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let terminal = Terminal::start(Command::new(BINARY).args(["--watch=20ms", &port]), 100, 24);
    terminal.shows(&server.pid().to_string());
    server.child().kill().expect("the server is ours");
    server.wait();
    terminal.shows("(nothing)");
    assert!(!terminal.screen().contains("\u{1b}[?1049l"), "the picture is still there");
    let pid = Pid::from_raw(i32::try_from(terminal.pid()).expect("a PID"));
    kill(pid, Signal::SIGINT).expect("it runs");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32));
    assert!(screen.contains("\u{1b}[?1049l"), "what was on the terminal before is back: {screen:?}");
}

#[test]
fn the_last_picture_stays_on_the_terminal() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let terminal = Terminal::start(Command::new(BINARY).args(["--watch=1ms", "--count", "2", &port]), 100, 24);
    let (status, screen) = terminal.end();
    assert!(status.success());
    let after = screen.rsplit("\u{1b}[?1049l").next().unwrap_or_default();
    assert!(after.contains("PORT") && after.contains(&server.pid().to_string()), "{screen:?}");
}

#[test]
fn a_round_that_found_something_makes_it_status_zero_and_none_status_one() {
    let port = crate::support::free_port().to_string();
    port_who().args(["--watch=1ms", "--count", "2", "--json", &port]).status(1).run();
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    port_who().args(["--watch=1ms", "--count", "2", "--json", &server.port().to_string()]).any_stdout().run();
}

#[test]
fn a_reader_that_goes_away_ends_a_watch_also_when_there_is_nothing_to_write() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let mut child = Command::new(BINARY)
        .args(["--json", "--watch=1h", &server.port().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a record comes at once");
    assert!(checked("port-who", &line)[0]["sampled_at"].is_string());
    drop(reader);
    let mut status = None;
    eventually(&format!("the end of a watch without a reader, within {PATIENCE:?}"), || {
        status = child.try_wait().expect("a child can be waited for");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}
