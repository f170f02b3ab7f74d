//! The live view: what is measured, on a terminal and as JSON Lines.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
};

use nix::sys::signal::Signal;

use crate::{
    kept::{Entry, scripted},
    site::{Site, send},
    support::Terminal,
};

#[test]
fn a_live_view_is_drawn_again_and_given_back() {
    let site = Site::new();
    site.kept(&["--name", "api"], &site.server(&[]));
    let mut tool = site.bare().args(["--status", "--watch=200ms"]);
    let mut terminal = Terminal::start(tool.command(), 140, 10);
    terminal.shows("\x1b[?1049h");
    terminal.shows("running");
    terminal.shows("NAME");
    send(site.started()[0], Signal::SIGKILL);
    site.generation(2);
    terminal.shows(&site.started()[1].to_string());
    terminal.types("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{screen}");
    let (_, after) = screen.rsplit_once("\x1b[?1049l").expect("the terminal is given back");
    assert!(after.contains("api"), "{after}");
}

#[test]
fn a_watch_as_json_is_one_record_per_server_and_round() {
    let site = Site::new();
    site.kept(&["--name", "api"], &site.server(&[]));
    let mut watch = site.bare().args(["--status", "--json", "--watch=50ms"]).spawn();
    let mut lines = BufReader::new(watch.stdout.take().expect("stdout is a pipe")).lines().map_while(Result::ok);
    let entries: Vec<Entry> =
        lines.by_ref().take(3).map(|line| serde_json::from_str(&line).expect("a record")).collect();
    for entry in &entries {
        assert_eq!((entry.name.as_str(), entry.port, entry.state.as_str()), ("api", site.port, "running"));
        assert_eq!(entry.folder, Some(site.folder()));
        let command: Vec<String> =
            site.server(&[]).iter().map(|word| word.replace("{port}", &site.port.to_string())).collect();
        assert_eq!(entry.command, Some(command));
        assert_eq!((entry.running, entry.healthy, entry.pid), (true, true, Some(site.started()[0])));
        assert!(entry.start_id.is_some() && entry.cpu_percent.is_some() && entry.memory_bytes > Some(10_000));
        assert_eq!(entry.url, Some(format!("tcp://localhost:{}", site.port)));
        assert_eq!(
            (entry.log.as_ref(), entry.reason.as_ref()),
            (Some(&site.file_of(&site.folder(), Some("api"), "log")), None)
        );
        assert!(entry.uptime_seconds.is_some_and(|uptime| uptime < 60.0));
    }
    send(watch.id(), Signal::SIGTERM);
    assert_eq!(watch.wait().expect("it ends").signal(), Some(Signal::SIGTERM as i32));
}

#[test]
fn a_table_tells_why_a_server_is_broken() {
    let site = Site::new();
    let options = ["--name", "ml", "--max-restarts", "0/60s"];
    site.keep(&options, &scripted("echo out of memory; exit 7")).status(5).run();
    let output = site.bare().args(["--status", "--table", "ml"]).status(1).any_stdout().run();
    let row = output.stdout.lines().nth(1).expect("a row");
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[..4], ["ml", &site.port.to_string(), "broken", "–"]);
    assert!(row.contains("ended with status 7; its log ends: out of memory"), "{row}");
}
