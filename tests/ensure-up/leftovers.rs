//! What a server leaves behind whose main process died: it is stopped before there is another one.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, becomes, send, shell},
    support::{eventually, runs, side_by_side},
};

/// A server with a child that holds no port, as the process that has the model: both PIDs, and the command.
fn with_child(site: &Site, options: &[&str]) -> (u32, u32, Vec<String>) {
    with_child_of("sleep 300", site, options)
}

fn with_child_of(line: &str, site: &Site, options: &[&str]) -> (u32, u32, Vec<String>) {
    let command = shell(&format!("{line} & exec \"$0\" \"$@\""), &site.server(&[]));
    let pid = site.line(options, &command).pid.unwrap();
    let child = proc_tree::tree::members(pid).unwrap().last().unwrap().pid;
    assert!(child != pid && runs(child));
    if line.contains("sleep") {
        becomes(child, "sleep");
    }
    (pid, child, command)
}

fn killed(pid: u32) {
    send(pid, Signal::SIGKILL);
    eventually("its end", || !runs(pid));
}

/// How the record fares meanwhile.
const RECORDED: [bool; 2] = [true, false];

fn recorded(site: &Site, is_recorded: bool) {
    if !is_recorded {
        fs::remove_file(site.record()).unwrap();
    }
}

#[test]
fn the_next_call_stops_a_child_whose_server_was_killed_and_starts_at_once() {
    for is_recorded in RECORDED {
        let site = Site::new();
        let (pid, child, command) = with_child(&site, &[]);
        killed(pid);
        recorded(&site, is_recorded);
        let began = Instant::now();
        let line = site.line(&[], &command);
        assert_eq!(line.action, "started", "recorded: {is_recorded}");
        assert!(!runs(child), "recorded: {is_recorded}");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}, recorded: {is_recorded}", began.elapsed());
        assert_eq!(site.alive(), [line.pid.unwrap()]);
        assert_eq!(site.processes().len(), 2, "the server and its child, recorded: {is_recorded}");
    }
}

#[test]
fn a_child_in_a_session_of_its_own_is_no_server_on_its_way_up() {
    for (options, is_known) in [(&[][..], true), (&["--keep-up"], true), (&[], false), (&["--keep-up"], false)] {
        let site = Site::new();
        let (pid, child, command) = with_child_of("exec setsid sleep 300", &site, options);
        if !is_known {
            fs::remove_dir_all(site.path("state")).unwrap();
        }
        if let Some(supervisor) = options.first().map(|_| proc_tree::process::stat(pid).unwrap().unwrap().parent) {
            killed(supervisor);
        }
        killed(pid);
        let line = site.line(&[&["--timeout", "20s"], options].concat(), &command);
        assert!(line.action == "started" && !runs(child), "{line:?}");
        assert!(Duration::from_millis(line.ready_ms.unwrap()) < Duration::from_secs(15), "{line:?}");
        assert_eq!(site.alive(), [line.pid.unwrap()]);
    }
}

#[test]
fn what_is_left_of_a_server_is_not_listed_as_one_that_runs() {
    for (line, is_recorded) in [("sleep 300", true), ("sleep 300", false), ("exec setsid sleep 300", true)] {
        let site = Site::new();
        let (pid, child, _) = with_child_of(line, &site, &[]);
        killed(pid);
        recorded(&site, is_recorded);
        let listed = site.bare().args(["--status", "--json"]).any_stdout().run();
        let [status] = &listed.records()[..] else { panic!("{listed:?}") };
        let case = format!("{line}, recorded: {is_recorded}: {status}");
        assert_eq!(status["state"], "stopped", "{case}");
        assert!(status["running"] == false && status["pid"].is_null(), "{case}");
        assert_eq!(status["reason"], format!("it has ended; left behind: sleep ({child})"), "{case}");
        site.bare().args(["--stop"]).any_stdout().any_stderr().run();
        assert!(!runs(child), "{case}");
    }
}

#[test]
fn a_child_that_has_the_socket_of_its_server_that_was_killed_is_no_server() {
    // as it was when the server was ready, or later
    side_by_side(["0", "500"], |after| {
        let site = Site::new();
        let command = site.server(&["--leaked", after]);
        let pid = site.line(&[], &command).pid.unwrap();
        let mut child = 0;
        eventually("a child with the socket", || {
            let members = proc_tree::tree::members(pid).unwrap();
            members.get(1).inspect(|found| child = found.pid).is_some()
        });
        becomes(child, "sleep");
        killed(pid);
        let listed = site.bare().args(["--status", "--json"]).any_stdout().run();
        let [status] = &listed.records()[..] else { panic!("{listed:?}") };
        assert!(status["state"] == "stopped" && status["healthy"] == false, "{after}: {status}");
        let what = format!("it has ended; left behind: sleep ({child})");
        assert_eq!(status["reason"], what, "{after}");
        let again = site.line(&[], &command);
        assert!(again.action == "started" && !runs(child), "{after}: {again:?}");
        assert!(site.get().ends_with("ok\n"));
    });
}

#[test]
fn a_restart_seconds_later_leaves_nothing_of_a_server_that_was_killed() {
    side_by_side(RECORDED, |is_recorded| {
        let site = Site::new();
        let (pid, child, command) = with_child(&site, &[]);
        killed(pid);
        recorded(&site, is_recorded);
        thread::sleep(Duration::from_secs(2));
        let began = Instant::now();
        site.line(&["--restart"], &command);
        assert!(!runs(child), "recorded: {is_recorded}");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}, recorded: {is_recorded}", began.elapsed());
        assert_eq!(site.processes().len(), 2, "the server and its child, recorded: {is_recorded}");
    });
}

#[test]
fn a_stop_leaves_nothing_of_a_server_that_was_killed() {
    for is_recorded in RECORDED {
        let site = Site::new();
        let (pid, child, _) = with_child(&site, &[]);
        killed(pid);
        recorded(&site, is_recorded);
        site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().run();
        assert!(!runs(child) && site.processes().is_empty(), "recorded: {is_recorded}");
    }
}

#[test]
fn a_stop_ends_what_has_lost_its_mark_and_writes_to_the_log() {
    let site = Site::new();
    let helper = site.path("helper");
    // neither a child of the server's, nor of its session, nor marked
    let line =
        format!("(setsid env -i sh -c 'echo $$ > \"{}\"; exec sleep 300' &); exec \"$0\" \"$@\"", helper.display());
    let command = shell(&line, &site.server(&[]));
    for is_killed in [false, true] {
        let pid = site.line(&[], &command).pid.unwrap();
        // it may begin later than its server
        let found = || fs::read_to_string(&helper).ok()?.trim().parse().ok().filter(|&other| runs(other));
        eventually("a process without a mark", || found().is_some());
        let other: u32 = found().unwrap();
        if is_killed {
            killed(pid);
        }
        site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().run();
        assert!(!runs(other), "{is_killed}");
    }
}

#[test]
fn what_a_killed_server_and_its_killed_supervisor_left_is_stopped_by_the_next_call() {
    for is_recorded in RECORDED {
        let site = Site::new();
        let (pid, child, command) = with_child(&site, &["--keep-up"]);
        let supervisor = proc_tree::process::stat(pid).unwrap().unwrap().parent;
        killed(supervisor);
        killed(pid);
        recorded(&site, is_recorded);
        let began = Instant::now();
        let line = site.line(&["--keep-up"], &command);
        assert_eq!(line.action, "started", "recorded: {is_recorded}");
        assert!(!runs(child), "recorded: {is_recorded}");
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}, recorded: {is_recorded}", began.elapsed());
        site.bare().args(["--stop"]).any_stdout().any_stderr().run();
        assert!(site.processes().is_empty());
    }
}
