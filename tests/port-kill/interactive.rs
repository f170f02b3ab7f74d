//! At a terminal: questions, and Ctrl-C.

use std::{io::Read, process::Command};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{BINARY, is_free, port_kill, quiet_address, without_figures};
use crate::support::{Fixture, Terminal, eventually, runs};

#[test]
fn each_process_is_asked_about_and_only_a_yes_is_one() {
    for (answer, status, ends) in [("y\n", 0, true), ("n\n", 1, false), ("\n", 1, false), ("\u{4}", 1, false)] {
        let server = Fixture::start(["serve", &quiet_address()]);
        let port = server.port();
        let mut terminal = Terminal::start(Command::new(BINARY).args(["-i", &port.to_string()]), 200, 24);
        terminal.shows("? [y/N]");
        terminal.types(answer);
        let (ended, screen) = terminal.end();
        let question = format!("SIGTERM fixture (\u{1b}[36m{}\u{1b}[0m, SIZE) on {port}, user ", server.pid());
        assert!(without_figures(&screen).starts_with(&question), "{screen}");
        assert!(screen.contains(": ") && screen.contains(&format!("serve 127.0.0.1:{port}? [y/N]")), "{screen}");
        assert_eq!(ended.code(), Some(status), "{screen}");
        assert_eq!(runs(server.pid()), !ends, "{screen}");
        assert_eq!(screen.contains("you did not agree"), !ends, "{screen}");
    }
}

#[test]
fn every_holder_is_a_question_of_its_own() {
    let server = Fixture::start(["serve", "--reuseport", "1", &quiet_address()]);
    let mut terminal = Terminal::start(Command::new(BINARY).args(["-i", &server.port().to_string()]), 200, 24);
    terminal.shows("? [y/N]");
    terminal.types("y\n");
    eventually("a second question", || terminal.screen().matches("? [y/N]").count() == 2);
    terminal.types("y\n");
    let (ended, screen) = terminal.end();
    assert_eq!(ended.code(), Some(0), "{screen}");
    assert!(is_free(server.port()));
}

#[test]
fn with_records_on_standard_input_the_question_goes_to_the_terminal() {
    let server = Fixture::start(["family", &quiet_address()]);
    let (port, pid) = (server.port(), server.pid());
    let line = format!("echo '{{\"pid\":{pid},\"port\":{port}}}' | {BINARY} --interactive --tree -");
    let mut terminal = Terminal::start(Command::new("sh").args(["-c", &line]), 200, 24);
    terminal.shows("? [y/N]");
    assert!(terminal.screen().contains(&format!(" with 2 descendants on {port}")), "{}", terminal.screen());
    terminal.types("yes\n");
    let (ended, screen) = terminal.end();
    assert_eq!(ended.code(), Some(0), "{screen}");
    assert!(server.pids().into_iter().all(|pid| !runs(pid)), "{screen}");
}

#[test]
fn a_single_descendant_is_told_as_one() {
    let server = Fixture::start(["serve", "--forks", "1", &quiet_address()]);
    let port = server.port().to_string();
    let mut terminal = Terminal::start(Command::new(BINARY).args(["-i", "--tree", &port]), 200, 24);
    terminal.shows("? [y/N]");
    assert!(terminal.screen().contains(&format!(" with a descendant on {port}")), "{}", terminal.screen());
    terminal.types("n\n");
    eventually("a second question", || terminal.screen().matches("? [y/N]").count() == 2);
    terminal.types("n\n");
    let (ended, screen) = terminal.end();
    assert_eq!((ended.code(), screen.matches("you did not agree").count()), (Some(1), 2), "{screen}");
    assert!(server.pids().into_iter().all(runs), "{screen}");
}

#[test]
fn without_a_terminal_there_is_nobody_to_ask() {
    let server = Fixture::start(["serve", &quiet_address()]);
    port_kill()
        .args(["-i", &server.port().to_string()])
        .status(2)
        .stderr("port-kill: cannot ask without a terminal\n")
        .run();
    assert!(runs(server.pid()));
}

#[test]
fn an_interrupt_at_a_question_is_a_no_and_the_end() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let mut terminal = Terminal::start(Command::new(BINARY).args(["-i", &server.port().to_string()]), 200, 24);
    terminal.shows("? [y/N]");
    terminal.types("\u{3}");
    let (ended, screen) = terminal.end();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(2), "{screen}");
    assert!(runs(server.pid()));
}

#[test]
fn an_interrupt_while_it_waits_says_what_was_signalled_and_what_lives_on() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
        let (port, pid) = (server.port(), server.pid());
        let mut child = port_kill().args(["--grace", "1m", "--signal", "CONT", &port.to_string()]).spawn();
        eventually("a signal that is caught", || catches(child.id(), signal));
        // the signal is caught before the holder is signalled: only a wait on its handle follows
        eventually("the wait", || waits(child.id()));
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("the tool is ours");
        let ended = child.wait().expect("a child can be waited for");
        let mut stderr = String::new();
        child.stderr.take().expect("stderr is a pipe").read_to_string(&mut stderr).expect("it is text");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(signal as i32), "{stderr}");
        assert_eq!(
            stderr,
            format!(
                "port-kill: interrupted by {signal}; signalled: fixture ({pid}); still alive: fixture ({pid})\n\
                 port-kill: port {port} is still held\n"
            )
        );
        assert!(runs(pid));
    }
}

/// `SigCgt` in proc_pid_status(5).
fn catches(pid: u32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

/// The kernel function that it sleeps in, as `ps -o wchan` shows it, or the state alone where that is hidden.
fn waits(pid: u32) -> bool {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).unwrap_or_default();
    let stat = proc_tree::process::stat(pid).ok().flatten();
    // three streams, the pipe's reader and writer, the handle
    descriptors >= 6 && stat.is_some_and(|stat| stat.state == 'S')
}
