//! Services without a port: up while they live, and known again by everything but a port.

use std::{fs, sync::Barrier, thread};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    site::{Line, Site, becomes, line, send, start_by_hand},
    support::{Tool, eventually, records, runs},
};

/// A worker that notes its PID, says that it works, and goes on doing so.
const WORKER: [&str; 3] = ["/bin/sh", "-c", "echo $$ >> count; echo at work; while :; do sleep 1; done"];

/// Prepares a call for it that need not wait long: the worker itself says that it is ready.
fn worker(site: &Site, options: &[&str]) -> Tool {
    call(site, &[&["--ready-log", "at work", "--json"], options].concat(), &WORKER)
}

fn call(site: &Site, options: &[&str], command: &[&str]) -> Tool {
    site.bare().args(["--name", "worker"]).args(options).arg("--").args(command).any_stdout().any_stderr()
}

fn status(site: &Site) -> Vec<Value> {
    records(&site.bare().args(["--status", "--json"]).any_stdout().run().stdout)
}

fn pid(line: &Line) -> u32 {
    line.pid.expect("a worker that runs has a PID")
}

#[test]
fn a_worker_is_up_while_it_lives() {
    let site = Site::new();
    let first = line(&call(&site, &["--json"], &WORKER).run());
    assert_eq!((first.action.as_str(), first.port, first.url.as_deref()), ("started", None, None));
    let again = call(&site, &[], &WORKER).run();
    assert!(again.stderr.starts_with(&format!("reused worker (pid {}", pid(&first))), "{}", again.stderr);
    let [server] = &status(&site)[..] else { panic!("one server") };
    assert_eq!((&server["port"], &server["url"], &server["healthy"]), (&Value::Null, &Value::Null, &true.into()));
    send(pid(&first), Signal::SIGKILL);
    eventually("its end", || status(&site)[0]["state"] == "stopped");
    let second = line(&worker(&site, &[]).run());
    assert_eq!(second.action, "started");
    assert_eq!(site.started(), [pid(&first), pid(&second)]);
}

#[test]
fn what_ends_at_once_was_no_worker() {
    let site = Site::new();
    for command in [&["false"][..], &["/bin/sh", "-c", "sleep 0.2; echo no module named x; exit 1"], &["true"]] {
        let said = call(&site, &[], command).status(3).run().stderr;
        assert!(said.contains("before it was ready"), "{said}");
        assert_eq!(said.contains("  no module named x"), command.len() > 1, "{said}");
    }
    assert!(site.has_no_server());
}

#[test]
fn twenty_callers_start_one_worker() {
    let site = Site::new();
    let start = Barrier::new(20);
    let one = || {
        start.wait();
        line(&worker(&site, &[]).run())
    };
    let lines: Vec<Line> = thread::scope(|scope| {
        let callers: Vec<_> = (0..20).map(|_| scope.spawn(one)).collect();
        callers.into_iter().map(|caller| caller.join().expect("status 0")).collect()
    });
    let [started] = site.started()[..] else { panic!("one worker: {:?}", site.started()) };
    assert!(lines.iter().all(|line| line.pid == Some(started) && line.healthy), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.action == "started").count(), 1, "{lines:?}");
}

#[test]
fn another_command_is_told_and_restarts_it_when_that_is_asked_for() {
    let site = Site::new();
    let first = line(&worker(&site, &[]).run());
    let changed = line(&worker(&site, &["--env", "QUEUE=mail"]).status(4).run());
    assert_eq!(changed.differs, ["environment"]);
    let restarted = line(&worker(&site, &["--env", "QUEUE=mail", "--restart-if-changed"]).run());
    assert_eq!(restarted.action, "restarted");
    let again = line(&worker(&site, &["--env", "QUEUE=mail", "--restart"]).run());
    assert_eq!(site.started(), [pid(&first), pid(&restarted), pid(&again)]);
    assert_eq!(site.alive(), [pid(&again)]);
}

#[test]
fn a_worker_whose_record_is_lost_is_known_by_its_mark_and_stopped_whole() {
    let site = Site::new();
    let first = line(&worker(&site, &[]).run());
    let forget = || {
        for entry in fs::read_dir(site.path("state")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "json") {
                fs::remove_file(path).unwrap();
            }
        }
    };
    forget();
    assert_eq!(line(&worker(&site, &[]).run()).pid, first.pid);
    forget();
    assert_eq!(status(&site)[0]["pid"], pid(&first));
    forget();
    site.bare().args(["--stop", "worker"]).stderr(format!("stopped worker (pid {})\n", pid(&first))).run();
    assert!(site.processes().is_empty());
    site.bare().args(["--stop", "worker"]).stderr("worker: not running\n").run();
    let log = site.bare().args(["--logs", "worker"]).any_stdout().run();
    assert_eq!(log.stdout, "at work\n");
}

#[test]
fn a_worker_that_was_started_by_hand_is_taken_over_and_that_of_another_service_is_not() {
    let site = Site::new();
    let command: Vec<String> = WORKER.map(str::to_owned).to_vec();
    let mut by_hand = start_by_hand(&site, &command, &site.folder());
    eventually("the worker", || !site.started().is_empty());
    let adopted = line(&call(&site, &["--json"], &WORKER).run());
    assert_eq!((adopted.action.as_str(), adopted.pid), ("adopted", Some(by_hand.id())));
    let other = site.bare().args(["--name", "second", "--ready-log", "at work", "--json", "--"]).args(WORKER);
    let other = line(&other.any_stdout().any_stderr().run());
    assert_eq!((other.action.as_str(), site.started().len()), ("started", 2));
    site.bare().args(["--stop", "worker"]).any_stderr().run();
    by_hand.wait().unwrap();
    assert!(runs(pid(&other)));
}

#[test]
fn what_is_left_of_a_worker_is_not_listed_as_one_that_runs() {
    for (child, is_known) in [("sleep 300", true), ("setsid sleep 300", true), ("setsid sleep 300", false)] {
        let site = Site::new();
        let script = format!("{child} & echo $! > child; {}", WORKER[2]);
        let start = || call(&site, &["--ready-log", "at work", "--json"], &["/bin/sh", "-c", &script]);
        let first = line(&start().run());
        let left: u32 = fs::read_to_string(site.path("child")).unwrap().trim().parse().unwrap();
        becomes(left, "sleep");
        send(pid(&first), Signal::SIGKILL);
        eventually("its end", || !runs(pid(&first)));
        if !is_known {
            fs::remove_dir_all(site.path("state")).unwrap();
        }
        let [server] = &status(&site)[..] else { panic!("one server") };
        assert_eq!((&server["state"], &server["pid"]), (&"stopped".into(), &Value::Null), "{child} {is_known}");
        let reason = server["reason"].as_str().unwrap();
        assert!(server["healthy"] == false && reason.starts_with("it has ended; left behind: "), "{reason}");
        assert!(reason.contains(&format!("sleep ({left})")), "{reason}");
        assert!(runs(left), "looking changes nothing");
        assert_eq!(line(&start().run()).action, "started", "{child} {is_known}");
        assert!(!runs(left), "{child} {is_known}");
    }
}

#[test]
fn a_worker_is_kept_up() {
    let site = Site::new();
    let first = line(&worker(&site, &["--keep-up", "--backoff", "10ms..20ms"]).run());
    send(pid(&first), Signal::SIGKILL);
    eventually("a restart", || site.started().len() == 2 && status(&site)[0]["state"] == "running");
    let server = &status(&site)[0];
    assert_eq!((&server["restarts"], &server["pid"]), (&1.into(), &site.started()[1].into()));
    site.bare().args(["--stop", "worker"]).any_stderr().run();
    assert!(site.processes().is_empty());
}
