//! `--logs`: of one server as it is, of several line by line behind their names; the end of them, and what comes.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use nix::sys::signal::Signal;

use crate::{
    file::{run, site},
    site::{Site, send},
    support::{Terminal, Tool, eventually},
};

fn three() -> Site {
    let site = site(&[
        ("web", "--print hello", "depends_on = \"api\""),
        ("api", "--print bonjour", ""),
        ("db", "", "log = \"db.log\""),
    ]);
    run(&site, &["--all"]).run();
    site
}

fn log_of(site: &Site, name: &str) -> PathBuf {
    let place = ["web", "api", "db"].iter().position(|one| *one == name).unwrap();
    let service = ensure_up::ServiceId { folder: site.folder(), name: Some(name.into()) };
    let state_folder = ensure_up::StateFolder { path: site.path("state") };
    state_folder.of_service(&service, Some(ensure_up::Port::tcp(site.port + u16::try_from(place).unwrap())), "log")
}

fn append(path: &Path, text: &str) {
    fs::File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn logs(site: &Site, arguments: &[&str]) -> Tool {
    site.bare().arg("--logs").args(arguments).any_stdout()
}

/// Lines that come one by one.
fn follow(tool: &mut Tool) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut call = tool.spawn();
    let stdout: ChildStdout = call.stdout.take().unwrap();
    (call, BufReader::new(stdout).lines().map_while(Result::ok))
}

#[test]
fn several_are_shown_behind_their_names_and_one_as_it_is() {
    let site = three();
    let output = logs(&site, &["web", "api"]).run();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!((lines[0], lines[2]), ("web  | hello", "api  | bonjour"), "{output:?}");
    assert!(lines[1].starts_with("web  | ready 127.0.0.1:") && lines.len() == 4, "{output:?}");
    let one = logs(&site, &["api"]).run();
    assert!(one.stdout.starts_with("bonjour\nready "), "{one:?}");
    for all in [&["--all"][..], &[]] {
        let output = logs(&site, all).run();
        let heads: Vec<&str> = output.stdout.lines().map(|line| &line[..6]).collect();
        assert_eq!(heads, ["web  |", "web  |", "api  |", "api  |", "db   |"], "{output:?}");
    }
    logs(&site, &["--all", "api"]).status(2).any_stderr().run();
    // by name and by port it is one
    let port = site.port.to_string();
    assert!(logs(&site, &["web", &port]).run().stdout.starts_with("hello\n"));
}

#[test]
fn the_last_lines_of_each_are_shown_also_of_rotated_logs_and_after_the_end() {
    let site = three();
    fs::write(log_of(&site, "api"), "1\n2\n3\n4\nno end").unwrap();
    fs::write(log_of(&site, "web").with_extension("log.1"), "old 1\nold 2\n").unwrap();
    fs::write(log_of(&site, "web"), "new\n").unwrap();
    for state in ["while they run", "after a crash", "after a stop"] {
        match state {
            "after a crash" => site.clear(),
            "after a stop" => drop(run(&site, &["--stop"]).run()),
            _ => {}
        }
        assert_eq!(
            logs(&site, &["--tail", "2", "web", "api"]).run().stdout,
            "web  | old 2\nweb  | new\napi  | 4\napi  | no end\n",
            "{state}"
        );
        assert_eq!(logs(&site, &["--tail", "0", "web"]).run().stdout, "");
        assert_eq!(logs(&site, &["--tail", "99", "web"]).run().stdout, "old 1\nold 2\nnew\n");
        assert_eq!(logs(&site, &["web"]).run().stdout, "new\n");
    }
    fs::remove_file(log_of(&site, "web")).unwrap();
    fs::remove_file(site.path("db.log")).unwrap();
    let output = logs(&site, &["db", "api"]).status(1).any_stderr().run();
    assert!(
        output.stdout.ends_with("4\nno end") && output.stderr.starts_with("ensure-up: there is no log "),
        "{output:?}"
    );
    let unknown = logs(&site, &["nobody", "api"]).status(1).any_stderr().run();
    assert!(unknown.stderr.starts_with("ensure-up: no server is named \"nobody\""), "{unknown:?}");
    for words in [&["--tail", "x", "web"][..], &["--tail", "-1", "web"]] {
        logs(&site, words).status(2).any_stderr().run();
    }
    site.bare().args(["--tail", "2", "--status"]).status(2).any_stderr().run();
}

#[test]
fn they_are_followed_across_rotation_deletion_and_restart() {
    let site = three();
    let (mut call, mut lines) = follow(&mut logs(&site, &["-f", "--tail", "0", "web", "db"]));
    let mut shows = |text: &str| assert!(lines.any(|line| line == text), "{text}");
    let (web, db) = (log_of(&site, "web"), site.path("db.log"));
    // what was there before it began is not shown
    let begun = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let (begun, db) = (Arc::clone(&begun), db.clone());
        move || {
            eventually("the follower", || {
                append(&db, "up?\n");
                begun.load(Ordering::Relaxed)
            });
        }
    });
    shows("db   | up?");
    begun.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    append(&web, "half a ");
    append(&db, "between\n");
    shows("db   | between");
    append(&web, "line\n");
    shows("web  | half a line");
    // rotated, deleted, cut short
    fs::rename(&web, web.with_extension("log.1")).unwrap();
    append(&web, "after the rotation\n");
    shows("web  | after the rotation");
    fs::remove_file(&db).unwrap();
    append(&db, "anew\n");
    shows("db   | anew");
    // one that is longer again before anybody looks cannot be told from one that grew
    fs::write(&db, "cut\n").unwrap();
    shows("db   | cut");
    run(&site, &["--stop", "web"]).run();
    run(&site, &["web"]).run();
    shows("web  | hello");
    append(&web, "no end");
    append(&db, "last\n");
    shows("db   | last");
    send(call.id(), Signal::SIGINT);
    assert_eq!(lines.next().as_deref(), Some("web  | no end"));
    assert_eq!(lines.next(), None);
    assert_eq!(call.wait().unwrap().signal(), Some(Signal::SIGINT as i32));
}

#[test]
#[cfg(target_os = "linux")]
fn one_that_was_deleted_under_its_server_is_read_where_that_has_it_open() {
    let site = Site::new();
    let script = "echo first; until [ -e go ]; do sleep 0.05; done; echo second; sleep 60";
    let start = ["--name", "worker", "--ready-log", "first", "--", "/bin/sh", "-c", script];
    site.bare().args(start).any_stderr().run();
    let status = site.bare().args(["--status", "--json"]).any_stdout().run().records().remove(0);
    let (pid, log) = (status["pid"].as_u64().unwrap(), PathBuf::from(status["log"].as_str().unwrap()));
    fs::remove_file(&log).unwrap();
    let note = format!("note: the log of worker was deleted: it is read from pid {pid}, which goes on writing to it\n");
    logs(&site, &["worker"]).stdout("first\n").stderr(&note).run();
    logs(&site, &[]).stdout("first\n").stderr(&note).run();
    let (mut call, mut lines) = follow(&mut logs(&site, &["-f", "--tail", "1", "worker"]).any_stderr());
    assert_eq!(lines.next().as_deref(), Some("first"));
    fs::write(site.path("go"), "").unwrap();
    assert_eq!(lines.next().as_deref(), Some("second"), "what comes is followed");
    site.bare().args(["--restart", "worker"]).any_stderr().run();
    assert_eq!(lines.next().as_deref(), Some("first"), "the log of the next one has its name again");
    send(call.id(), Signal::SIGTERM);
    call.wait().unwrap();
    site.bare().args(["--stop", "worker"]).any_stderr().run();
    fs::remove_file(&log).unwrap();
    logs(&site, &["worker"]).status(1).stderr(format!("ensure-up: there is no log {}\n", log.display())).run();
}

#[test]
fn where_nothing_was_started_there_is_nothing_to_print_and_that_is_status_one() {
    let site = Site::new();
    logs(&site, &[]).status(1).stderr("ensure-up: nothing was started from here\n").run();
    logs(&site, &["-q"]).status(1).stderr("ensure-up: nothing was started from here\n").run();
    logs(&site, &["--everywhere"]).status(1).stderr("ensure-up: nothing was started\n").run();
}

#[test]
fn those_of_one_name_are_told_apart_by_their_ports() {
    let site = Site::with_ports(2);
    for (place, folder) in ["a", "b"].into_iter().enumerate() {
        fs::create_dir(site.path(folder)).unwrap();
        let port = (site.port + u16::try_from(place).unwrap()).to_string();
        let start = site.bare().cwd(&site.path(folder)).args(["--name", "web", "--port", &port, "--"]);
        start.args(site.server(&["--print", folder])).any_stderr().run();
    }
    let (one, other) = (site.port, site.port + 1);
    let shown = logs(&site, &["--everywhere", "--tail", "2", "--color", "never"]).run().stdout;
    for (port, text) in [(one, "a"), (other, "b")] {
        let line = |line: &str| line.starts_with(&format!("web:{port} ")) && line.ends_with(&format!(" {text}"));
        assert!(shown.lines().any(line), "{shown}");
    }
    let said = site.bare().args(["--logs", "web"]).status(1).any_stderr().run().stderr;
    let hint = format!("hint: web (folder {}) is on port {one}: ensure-up --logs {one}\n", site.path("a").display());
    assert!(said.ends_with(&hint), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_it_at_once_and_quietly() {
    let site = three();
    for arguments in [&["-f", "web", "api"][..], &["-f", "web"], &["web", "api"]] {
        let (mut call, mut lines) = follow(&mut logs(&site, arguments));
        assert!(lines.next().is_some());
        drop(lines);
        assert_eq!(call.wait().unwrap().code(), Some(0), "{arguments:?}");
        let mut said = String::new();
        std::io::Read::read_to_string(&mut call.stderr.take().unwrap(), &mut said).unwrap();
        assert_eq!(said, "");
    }
}

#[test]
fn names_are_coloured_on_a_terminal_and_a_log_that_is_not_there_yet_is_waited_for() {
    let site = three();
    run(&site, &["--stop"]).run();
    fs::remove_file(log_of(&site, "api")).unwrap();
    let tool = site.bare();
    let terminal = Terminal::start(tool.args(["--logs", "-f", "web", "api"]).command(), 80, 24);
    terminal.shows("\u{1b}[34mweb  |\u{1b}[0m hello\r\n");
    run(&site, &["api"]).run();
    terminal.shows("\u{1b}[35mapi  |\u{1b}[0m bonjour\r\n");
    send(terminal.pid(), Signal::SIGINT);
    assert_eq!(terminal.end().0.signal(), Some(Signal::SIGINT as i32));
}
