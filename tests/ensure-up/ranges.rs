//! A range of ports: which server there is the one that is asked for, and on which port the next one comes.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    site::{Line, Site, line, send, shell},
    support::{Tool, eventually, free_ports, runs},
};

/// A range of its own in a site.
struct Range {
    site: Site,
    first: u16,
    last: u16,
}

impl Range {
    fn of(count: u16) -> Self {
        let first = free_ports(count);
        Self { site: Site::new(), first, last: first + count - 1 }
    }

    fn call(&self, options: &[&str], command: &[String]) -> Tool {
        let range = format!("{}-{}", self.first, self.last);
        self.site
            .bare()
            .any_stdout()
            .any_stderr()
            .args(["--json", "--port", &range])
            .args(options)
            .arg("--")
            .args(command)
    }

    fn line(&self, options: &[&str], command: &[String]) -> Line {
        line(&self.call(options, command).run())
    }

    /// Makes these calls at once.
    fn at_once(&self, calls: &[Vec<&str>], command: &[String]) -> Vec<Line> {
        thread::scope(|scope| {
            let calls: Vec<_> = calls.iter().map(|options| scope.spawn(|| self.line(options, command))).collect();
            calls.into_iter().map(|call| call.join().expect("status 0")).collect()
        })
    }

    fn stop(&self, name: &str) {
        self.site.bare().args(["--stop", name]).any_stdout().any_stderr().run();
    }
}

fn port_of(line: &Line) -> u16 {
    line.port.expect("a server that is up has a port")
}

fn different(lines: &[Line]) -> usize {
    let mut ports: Vec<u16> = lines.iter().map(port_of).collect();
    ports.sort_unstable();
    ports.dedup();
    ports.len()
}

#[test]
fn two_names_with_one_command_are_two_servers() {
    let range = Range::of(4);
    let server = range.site.server(&[]);
    let first = range.line(&["--name", "m1"], &server);
    let second = range.line(&["--name", "m2"], &server);
    let nameless = range.line(&[], &server);
    assert_eq!([&first, &second, &nameless].map(|line| line.action.as_str()), ["started"; 3]);
    assert_eq!([&first, &second, &nameless].map(port_of), [0, 1, 2].map(|more| range.first + more));
    for (options, line) in [(&["--name", "m1"][..], first), (&["--name", "m2"], second), (&[], nameless)] {
        let again = range.line(options, &server);
        assert_eq!((again.action.as_str(), again.port, again.pid), ("reused", line.port, line.pid), "{options:?}");
    }
    range.stop("m1");
    assert_eq!(range.site.alive().len(), 2, "the others are left alone");
}

#[test]
fn other_arguments_or_another_set_environment_are_another_instance_of_a_bare_command() {
    let range = Range::of(6);
    let server = range.site.server(&[]);
    let calls: [(&[&str], Vec<String>); 4] = [
        (&[], server.clone()),
        (&[], range.site.server(&["--body", "b"])),
        (&["--env", "CUDA_VISIBLE_DEVICES=0"], server.clone()),
        (&["--env", "CUDA_VISIBLE_DEVICES=1"], server.clone()),
    ];
    let started: Vec<Line> = calls.iter().map(|(options, command)| range.line(options, command)).collect();
    assert!(started.iter().all(|line| line.action == "started"), "{started:?}");
    assert_eq!((different(&started), range.site.alive().len()), (4, 4));
    for ((options, command), line) in calls.iter().zip(&started) {
        let again = range.line(options, command);
        assert_eq!((again.action.as_str(), again.pid), ("reused", line.pid), "{options:?}");
    }
    // what is merely inherited makes no other one
    let again = line(&range.call(&[], &server).env("CUDA_VISIBLE_DEVICES", "7").run());
    assert_eq!((again.action.as_str(), again.pid), ("reused", started[0].pid));
}

#[test]
fn other_arguments_or_another_set_environment_of_a_named_service_are_a_changed_one() {
    let range = Range::of(4);
    let server = range.site.server(&[]);
    let first = range.line(&["--name", "m1", "--env", "CUDA_VISIBLE_DEVICES=0"], &server);
    let gpu = ["--name", "m1", "--env", "CUDA_VISIBLE_DEVICES=1"];
    let output = range.call(&gpu, &server).status(4).run();
    assert_eq!(line(&output).differs, ["environment"], "{output:?}");
    let body = range.site.server(&["--body", "b"]);
    let output = range.call(&["--name", "m1", "--env", "CUDA_VISIBLE_DEVICES=0"], &body).status(4).run();
    assert_eq!(line(&output).differs, ["command"], "{output:?}");
    assert_eq!(range.site.alive(), [first.pid.unwrap()]);
    let restarted = range.line(&[&gpu[..], &["--restart-if-changed"]].concat(), &server);
    assert_eq!((restarted.action.as_str(), restarted.port), ("restarted", first.port));
    assert_eq!(range.site.alive(), [restarted.pid.unwrap()]);
}

#[test]
fn ten_callers_of_one_name_at_once_have_one_server() {
    let range = Range::of(12);
    let server = range.site.server(&["--delay", "300"]);
    let lines = range.at_once(&vec![vec!["--name", "m1"]; 10], &server);
    assert_eq!((different(&lines), range.site.started().len()), (1, 1), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.action == "started").count(), 1, "{lines:?}");
}

#[test]
fn ten_callers_who_want_one_more_at_once_have_ten_servers_on_ten_ports() {
    let range = Range::of(10);
    let server = range.site.server(&["--delay", "200"]);
    let lines = range.at_once(&vec![vec!["--new"]; 10], &server);
    assert!(lines.iter().all(|line| line.action == "started"), "{lines:?}");
    assert_eq!((different(&lines), range.site.alive().len()), (10, 10), "{lines:?}");
    // the range is full
    let output = range.call(&["--new"], &server).status(4).run();
    assert_eq!(line(&output).action, "failed");
    assert_eq!(range.site.alive().len(), 10);
}

#[test]
fn one_more_is_always_one_more_also_beside_one_that_is_there() {
    let range = Range::of(4);
    let server = range.site.server(&[]);
    let calls: [&[&str]; 3] = [&[], &["--new"], &["--new"]];
    let lines = calls.map(|options| range.line(options, &server));
    assert!(lines.iter().all(|line| line.action == "started"), "{lines:?}");
    assert_eq!(lines.each_ref().map(port_of), [0, 1, 2].map(|more| range.first + more));
    let again = range.line(&[], &server);
    assert_eq!(again.action, "reused");
    assert_eq!(range.site.alive().len(), 3);
}

#[test]
fn callers_of_two_names_at_once_do_not_wait_for_one_another() {
    let range = Range::of(4);
    let slow = range.site.server(&["--after", "go"]);
    let mut waiting = range.call(&["--name", "m1"], &slow).spawn();
    eventually("the slow one", || range.site.started().len() == 1);
    assert_eq!(range.line(&["--name", "m2"], &range.site.server(&[])).action, "started");
    assert!(waiting.try_wait().unwrap().is_none(), "the slow one is still on its way up");
    fs::write(range.site.path("go"), "").unwrap();
    assert!(waiting.wait().unwrap().success());
    assert_eq!(range.site.alive().len(), 2);
}

#[test]
fn a_server_comes_back_on_the_port_that_it_had_also_when_a_lower_one_is_free() {
    let range = Range::of(4);
    let server = range.site.server(&[]);
    let first = range.line(&["--name", "m1"], &server);
    let second = range.line(&["--name", "m2"], &server);
    range.stop("m1");
    range.stop("m2");
    assert!(range.site.alive().is_empty());
    let back = range.line(&["--name", "m2"], &server);
    assert_eq!((back.action.as_str(), back.port), ("started", second.port));
    assert_eq!(range.line(&["--name", "m1"], &server).port, first.port);
    // one that was killed as well
    send(back.pid.unwrap(), Signal::SIGKILL);
    eventually("its end", || !runs(back.pid.unwrap()));
    range.stop("m1");
    assert_eq!(range.line(&["--name", "m2"], &server).port, second.port);
}

#[test]
fn what_a_server_in_a_range_left_behind_is_stopped_and_it_comes_back_on_its_port() {
    for is_recorded in [true, false] {
        let range = Range::of(4);
        let server = shell("sleep 300 & exec \"$0\" \"$@\"", &range.site.server(&[]));
        let _before = range.line(&["--name", "m1"], &server);
        let line = range.line(&["--name", "m2"], &server);
        let pid = line.pid.unwrap();
        let left = proc_tree::tree::members(pid).unwrap().last().unwrap().pid;
        assert_ne!(left, pid);
        send(pid, Signal::SIGKILL);
        eventually("its end", || !runs(pid));
        if !is_recorded {
            fs::remove_dir_all(range.site.path("state")).unwrap();
        }
        let began = Instant::now();
        let again = range.line(&["--name", "m2"], &server);
        assert_eq!((again.action.as_str(), again.port), ("started", line.port), "recorded: {is_recorded}");
        assert!(!runs(left), "recorded: {is_recorded}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}, recorded: {is_recorded}", began.elapsed());
    }
}

#[test]
fn servers_of_a_range_whose_records_are_lost_are_known_again_each_as_what_it_is() {
    let range = Range::of(8);
    let server = range.site.server(&[]);
    let calls: [&[&str]; 4] = [&["--name", "m1"], &["--name", "m2"], &[], &["--env", "CUDA_VISIBLE_DEVICES=1"]];
    let started = calls.map(|options| range.line(options, &server));
    fs::remove_dir_all(range.site.path("state")).unwrap();
    for (options, line) in calls.iter().zip(&started).rev() {
        let again = range.line(options, &server);
        assert_eq!((again.port, again.pid), (line.port, line.pid), "{options:?}: {again:?}");
        assert_ne!(again.action, "started");
    }
    fs::remove_dir_all(range.site.path("state")).unwrap();
    let more = range.line(&["--new"], &server);
    assert_eq!((more.action.as_str(), more.port), ("started", Some(range.first + 4)));
    fs::remove_dir_all(range.site.path("state")).unwrap();
    range.stop("m2");
    assert!(!runs(started[1].pid.unwrap()));
    assert_eq!(range.site.alive().len(), 4);
    // all that is left of this folder
    range.site.bare().args(["--stop"]).any_stdout().any_stderr().run();
    assert!(range.site.alive().is_empty());
}
