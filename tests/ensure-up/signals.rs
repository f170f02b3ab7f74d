//! A signal while the server comes up: what was started is stopped, and the tool dies by that signal.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use crate::{
    site::{Site, send, shell},
    support::{Terminal, eventually},
};

#[test]
fn a_signal_to_the_tool_alone_stops_the_whole_tree_that_it_started() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let site = Site::new();
        let command = shell("setsid sleep 61 & \"$0\" \"$@\"; true", &site.server(&["--delay", "60000"]));
        let mut child = site.run(&[], &command).spawn();
        eventually("the server", || !site.started().is_empty());
        send(child.id(), signal);
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
        assert_eq!(site.processes(), [], "{signal}");
        assert!(site.is_forgotten());
    }
}

#[test]
fn ctrl_c_on_a_terminal_stops_what_was_started() {
    let site = Site::new();
    let mut tool = site.serve(&["--delay", "60000"]);
    let mut terminal = Terminal::start(tool.command(), 100, 20);
    eventually("the server", || !site.started().is_empty());
    terminal.types("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{screen}");
    assert_eq!(site.processes(), []);
}

#[test]
fn a_signal_at_any_moment_leaves_a_server_that_is_recorded_or_none() {
    let site = Site::new();
    let server = site.server(&["--delay", "30"]);
    for step in 0..40_u64 {
        let mut child = site.run(&[], &server).spawn();
        std::thread::sleep(std::time::Duration::from_millis(step * 2));
        send(child.id(), Signal::SIGTERM);
        let ended = child.wait().unwrap();
        let left: Vec<u32> = site.processes().iter().map(|process| process.pid).collect();
        if ended.signal().is_some() {
            assert_eq!((left.len(), site.is_forgotten()), (0, true), "after {} ms: {ended}", step * 2);
        } else {
            assert_eq!((left, ended.code()), (site.alive(), Some(0)));
        }
        site.clear();
        let _ = std::fs::remove_file(site.record());
    }
}

#[test]
fn a_signal_around_readiness_is_lost_by_no_call_that_stays() {
    let site = Site::new();
    let server = site.server(&[]);
    for (stays, signal) in [(&["--foreground"][..], Signal::SIGINT), (&["--then", "exec sleep 60"], Signal::SIGTERM)] {
        for step in 0..6_u64 {
            let mut child = site.run(&[&["--grace", "1s"], stays].concat(), &server).spawn();
            let recorded = || std::fs::read_to_string(site.record()).unwrap_or_default();
            // whoever waits for a moment by sleeping has missed it
            while !recorded().contains("\"phase\":\"ready\"") && child.try_wait().unwrap().is_none() {}
            std::thread::sleep(std::time::Duration::from_micros(step * step * 100));
            send(child.id(), signal);
            assert_eq!(child.wait().unwrap().signal(), Some(signal as i32), "{stays:?}, {step}");
            assert_eq!(site.processes(), [], "{stays:?}, {step}");
            let _ = std::fs::remove_file(site.record());
        }
    }
}

#[test]
fn a_caller_that_waits_for_another_ones_start_can_be_interrupted_alone() {
    let site = Site::new();
    let server = site.server(&["--delay", "700"]);
    let mut first = site.run(&[], &server).spawn();
    eventually("the server", || !site.started().is_empty());
    let mut second = site.run(&[], &server).spawn();
    std::thread::sleep(std::time::Duration::from_millis(200));
    send(second.id(), Signal::SIGINT);
    assert_eq!(second.wait().unwrap().signal(), Some(Signal::SIGINT as i32));
    assert!(first.wait().unwrap().success());
    assert_eq!(site.alive().len(), 1);
}

#[test]
fn one_that_joined_a_start_leaves_the_server_when_it_is_interrupted() {
    let site = Site::new();
    let server = site.server(&["--delay", "1000"]);
    let mut starter = site.run(&[], &server).spawn();
    eventually("the server", || !site.started().is_empty());
    starter.kill().and_then(|()| starter.wait()).unwrap();
    let mut joined = site.run(&[], &server).spawn();
    std::thread::sleep(std::time::Duration::from_millis(200));
    send(joined.id(), Signal::SIGINT);
    assert_eq!(joined.wait().unwrap().signal(), Some(Signal::SIGINT as i32));
    assert_eq!(site.alive().len(), 1, "it did not start it");
}

#[test]
fn a_hangup_that_is_ignored_stays_so() {
    let site = Site::new();
    let mut tool = site.serve(&["--delay", "500"]);
    let command = tool.command();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    let mut child = shell.env("ENSURE_UP_DIR", site.path("state")).current_dir(site.folder()).spawn().unwrap();
    eventually("the server", || !site.started().is_empty());
    send(child.id(), Signal::SIGHUP);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
