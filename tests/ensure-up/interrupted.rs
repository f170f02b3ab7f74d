//! A stop that is waited for: what a person sees meanwhile, and what a signal that ends it leaves.

use std::{
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use proc_tree::{RunState, process};

use crate::{
    site::{Site, fixture, send},
    stop::stop,
    support::{Terminal, eventually, skipped},
};

fn is_any_halted(site: &Site) -> bool {
    let is_halted = |pid| process::stat(pid).ok().flatten().is_some_and(|stat| stat.state == RunState::Stopped);
    site.processes().iter().any(|one| is_halted(one.pid))
}

/// Sends the signal to a stop as soon as it has halted some of a server that forks; tells whether that was seen.
fn interrupt(site: &Site, signal: Signal) -> bool {
    let command = [fixture(), "storm".into(), "--ignore-term".into(), "127.0.0.1:{port}".into()];
    site.run(&["--grace", "60s"], &command).run();
    let mut tool = stop(site).spawn();
    let soon = Instant::now() + Duration::from_millis(500);
    let mut was_seen = false;
    while !was_seen && Instant::now() < soon {
        was_seen = is_any_halted(site);
    }
    send(tool.id(), signal);
    tool.wait().unwrap();
    eventually("nobody is halted", || !is_any_halted(site));
    site.clear();
    was_seen
}

#[test]
fn a_stop_that_a_signal_ends_leaves_nobody_halted() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let site = Site::new();
        if !(0..5).any(|_| interrupt(&site, signal)) {
            skipped("the moment in which a server is halted was too short to be seen");
        }
    }
}

#[test]
fn a_stop_that_a_signal_ends_ends_by_it() {
    let site = Site::new();
    site.run(&["--grace", "60s"], &site.server(&["--ignore-term"])).run();
    let mut tool = stop(&site).spawn();
    std::thread::sleep(Duration::from_millis(300));
    send(tool.id(), Signal::SIGTERM);
    assert_eq!(tool.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(site.alive().len(), 1, "it was not waited for to its end, and nobody was killed");
}

/// A server that was told to end may do so at any moment, and one that was halted to be told so serves nobody.
#[test]
fn a_start_after_a_stop_that_was_killed_or_interrupted_has_a_server_that_stays() {
    for (how, keep_up, signal) in [
        ("killed, ", &[][..], Signal::SIGKILL),
        ("interrupted, ", &[], Signal::SIGINT),
        ("killed, of one that is kept up, ", &["--keep-up"], Signal::SIGKILL),
    ] {
        let site = Site::new();
        let server = site.server(&["--ignore-term"]);
        let start = |grace: &str| site.line(&[keep_up, &["--grace", grace]].concat(), &server);
        let first = start("60s").pid.expect("a server has a PID");
        let mut tool = stop(&site).spawn();
        let is_told = || std::fs::read_to_string(site.record()).is_ok_and(|text| text.contains("_stopped\":true"));
        eventually("its stop has begun", is_told);
        send(tool.id(), signal);
        assert_eq!(tool.wait().unwrap().signal(), Some(signal as i32));
        send(first, Signal::SIGSTOP);
        let second = start("100ms");
        assert_eq!(second.action, "started", "{how}{second:?}");
        assert_eq!(site.alive(), [second.pid.expect("a server has a PID")], "{how}{second:?}");
        assert_ne!(second.pid, Some(first), "{how}{second:?}");
        assert_eq!(start("100ms").action, "reused", "{how}it was up already");
    }
}

#[test]
fn a_wait_on_a_terminal_says_for_whom_and_until_when() {
    let site = Site::new();
    let line = site.line(&["--grace", "1500ms"], &site.server(&["--ignore-term"]));
    let pid = line.pid.expect("a server has a PID");
    let mut tool = stop(&site);
    let terminal = Terminal::start(tool.command(), 100, 24);
    terminal.shows(&format!(" fixture (\x1b[36m{pid}\x1b[0m) is asked to end by SIGTERM; SIGKILL in 2 s"));
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    let (_, after) = screen.rsplit_once("\r\x1b[K").expect("the line is wiped off");
    assert!(after.contains("SIGKILL after 1.5") && after.contains("stopped fixture on port"), "{screen}");
}
