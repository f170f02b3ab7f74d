//! Started once, then reused; what the caller gets to see of it.

use std::{fs, process::Command};

use nix::sys::signal::Signal;
use proc_tree::process;

use crate::{
    site::{Line, Site, by_hand, send, shell},
    support::{Fixture, Terminal, eventually, runs},
};

#[test]
fn a_server_is_started_once_and_then_reused() {
    let site = Site::new();
    let first = site.serve(&[]).stdout("").run();
    let [pid] = site.started()[..] else { panic!("one server: {:?}", site.started()) };
    let port = site.port;
    let said = format!("started fixture on port {port} in ");
    assert!(first.stderr.starts_with(&said), "{}", first.stderr);
    let how = format!(" (pid {pid}); stop: ensure-up --stop {port}; log: ensure-up --logs {port}\n");
    assert!(first.stderr.ends_with(&how), "{}", first.stderr);
    let second = site.serve(&[]).stdout("").run();
    let said = format!("reused fixture on port {port} (pid {pid}, up ");
    // what costs nothing is told off a terminal
    assert!(second.stderr.starts_with(&said) && second.stderr.ends_with(" rss)\n"), "{}", second.stderr);
    let (_, screen) = Terminal::start(site.serve(&[]).command(), 100, 20).end();
    assert!(screen.contains("reused fixture on port ") && !screen.contains("rss"), "{screen}");
    assert_eq!(site.started(), [pid]);
    // whoever has started something here knows how to stop it
    site.clear();
    let third = site.serve(&[]).stdout("").run();
    assert!(third.stderr.ends_with(&format!(" (pid {})\n", site.alive()[0])), "{}", third.stderr);
}

#[test]
fn what_is_asked_for_is_printed_and_nothing_else() {
    let site = Site::new();
    let (server, port) = (site.server(&[]), site.port);
    let started = site.run(&["--print", "port", "--health", "/"], &server).stdout(format!("{port}\n")).run();
    assert!(started.stderr.starts_with("started fixture "), "{}", started.stderr);
    let pid = site.alive()[0];
    for (what, printed) in [("pid", pid.to_string()), ("url", format!("http://localhost:{port}"))] {
        let again = site.run(&["--health", "/", "--print", what], &server).stdout(format!("{printed}\n")).run();
        assert!(again.stderr.starts_with("reused fixture "), "{}", again.stderr);
    }
    site.run(&["--pids", "-q"], &server).stdout(format!("{pid}\n")).stderr("").run();
    // words are said whatever is printed, and once
    let both = site.run(&["--json"], &server).run();
    assert_eq!((both.stdout.lines().count(), both.stderr.lines().count()), (1, 1), "{both:?}");
    for other in ["--json", "--pids", "--status", "--stop", "--logs"] {
        site.run(&["--print", "pid", other], &server).status(2).stdout("").run();
    }
    assert_eq!(site.alive(), [pid]);
}

#[test]
fn the_record_has_every_key_and_says_what_was_done() {
    let site = Site::new();
    let server = site.server(&["--delay", "50"]);
    let first = site.line(&["--health", "/health"], &server);
    let pid = site.started()[0];
    let Line { name, port, action, start_id, pids, healthy, ready_ms, url, log, restarts, reason, .. } = first;
    assert_eq!((name.as_str(), port, action.as_str(), first.pid), ("fixture", Some(site.port), "started", Some(pid)));
    assert_eq!((start_id, pids, healthy), (process::stat(pid).unwrap().map(|stat| stat.start_id), vec![pid], true));
    assert!(ready_ms.is_some_and(|time| time >= 50), "{ready_ms:?}");
    assert_eq!((url, log), (Some(format!("http://localhost:{}", site.port)), Some(site.log())));
    assert_eq!((restarts, reason), (0, None));
    let second = site.line(&["--health", "/health"], &server);
    assert_eq!((second.action.as_str(), second.pid, second.log), ("reused", Some(pid), Some(site.log())));
}

#[test]
fn a_server_that_ended_is_started_anew() {
    let site = Site::new();
    site.serve(&[]).run();
    site.clear();
    let second = site.line(&[], &site.server(&[]));
    assert_eq!(second.action, "started");
    assert_eq!(site.alive(), [second.pid.expect("a server of ours is visible")]);
}

#[test]
fn a_zombie_is_no_server() {
    let site = Site::new();
    // the shell never waits for the server, so that it stays a zombie when it ends
    let mut parent = by_hand(&site, &shell("\"$0\" \"$@\" & exec sleep 60", &site.server(&[])), &site.folder());
    let first = site.line(&["--adopt", "any"], &site.server(&[]));
    assert_eq!(first.action, "adopted");
    send(first.pid.unwrap(), Signal::SIGKILL);
    eventually("a zombie", || !runs(first.pid.unwrap()));
    assert!(process::stat(first.pid.unwrap()).unwrap().is_some(), "a zombie has a PID");
    let second = site.line(&[], &site.server(&[]));
    assert_eq!(second.action, "started");
    assert_ne!(second.pid, first.pid);
    parent.kill().and_then(|()| parent.wait()).unwrap();
}

#[test]
fn a_captured_start_returns_although_the_server_lives_on() {
    let site = Site::new();
    let mut tool = site.serve(&[]);
    let command = tool.command();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "x=$(\"$@\" 2>&1); echo \"got $x\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.env("ENSURE_UP_DIR", site.path("state")).current_dir(site.folder());
    let output = shell.output().expect("a shell runs");
    let said = String::from_utf8(output.stdout).unwrap();
    let pid = site.alive()[0];
    assert!(output.status.success() && said.starts_with("got ") && said.contains(&pid.to_string()), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_inherits_no_descriptor() {
    let site = Site::new();
    let mut tool = site.serve(&[]);
    let command = tool.command();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 7</etc/passwd 8>>extra 9<&0; \"$@\" >/dev/null 2>&1", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.env("ENSURE_UP_DIR", site.path("state")).current_dir(site.folder());
    assert!(shell.status().expect("a shell runs").success());
    let pid = site.alive()[0];
    let open: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.to_string_lossy().into_owned()))
        .filter(|link| !link.starts_with("socket:"))
        .collect();
    let log = site.log().display().to_string();
    let expected = |link: &String| *link == log || link == "/dev/null";
    assert!(open.iter().all(expected) && open.len() == 3, "{open:?}");
}

#[test]
fn the_server_has_a_session_of_its_own_and_survives_the_terminal() {
    let site = Site::new();
    let mut tool = site.serve(&[]);
    let terminal = Terminal::start(tool.command(), 100, 20);
    let (status, screen) = terminal.end();
    let pid = site.alive()[0];
    assert!(status.success(), "{screen}");
    assert!(screen.contains(&format!("started fixture on port {} in ", site.port)), "{screen}");
    // the terminal is gone, and its SIGHUP was sent
    let server = process::stat(pid).unwrap().expect("the server lives");
    assert_eq!(server.session, pid);
    assert!(site.get().starts_with("HTTP/1.1 200"));
}

#[test]
fn a_failed_write_to_stdout_is_status_125_and_a_closed_pipe_is_quiet() {
    let site = Site::new();
    if std::path::Path::new("/dev/full").exists() {
        let mut tool = site.run(&["--print", "pid"], &site.server(&[]));
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = tool.command().stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.contains("cannot write"), "{said}");
    }
    let mut child = site.run(&["--print", "pid"], &site.server(&[])).spawn();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(site.alive().len(), 1);
}

#[test]
fn quiet_silences_all_but_errors() {
    let site = Site::new();
    site.run(&["--quiet"], &site.server(&[])).stdout("").stderr("").run();
    assert_eq!(site.alive().len(), 1);
    let other = Site::new();
    let stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", other.port)]);
    let output = other.run(&["-q"], &other.server(&[])).status(4).run();
    assert!(output.stderr.contains(&stranger.pid().to_string()), "{}", output.stderr);
}

#[test]
fn a_server_with_workers_has_all_their_pids() {
    let site = Site::new();
    let line = site.line(&["--ready-log", "ready"], &site.server(&["--forks", "3"]));
    assert_eq!((line.pids.len(), line.pid), (4, Some(site.alive()[0])));
    assert!(line.pids.is_sorted() && line.pids.contains(&site.alive()[0]), "{:?}", line.pids);
    let output = site.run(&["--pids"], &site.server(&["--forks", "3"])).run();
    let shown: Vec<u32> = output.stdout.lines().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(shown, line.pids);
}

#[test]
fn arguments_reach_the_server_as_they_are() {
    let site = Site::new();
    site.serve(&["--body", "a 'b' \"$HOME\" *"]).run();
    assert!(site.get().ends_with("a 'b' \"$HOME\" *"), "{}", site.get());
}
