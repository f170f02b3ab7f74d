//! What a person sees while port-kill waits.

use std::process::Command;

use super::{BINARY, is_free, quiet_address};
use crate::support::{Fixture, Terminal, eventually};

#[test]
fn a_wait_on_a_terminal_says_for_whom_and_until_when_and_is_gone_afterwards() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    let (port, pid) = (server.port(), server.pid());
    let terminal = Terminal::start(Command::new(BINARY).args(["--grace", "1500ms", &port.to_string()]), 100, 24);
    let pid = format!("\u{1b}[36m{pid}\u{1b}[0m");
    terminal.shows(&format!(" fixture ({pid}) is asked to end by SIGTERM; SIGKILL in 2 s"));
    terminal.shows("SIGKILL in 1 s");
    let (status, screen) = terminal.end();
    assert!(status.success() && is_free(port), "{screen}");
    let (_, after) = screen.rsplit_once("\r\x1b[K").expect("the line is wiped off");
    assert!(after.starts_with(&format!("{port}  killed")) && after.contains(&format!("fixture ({pid}, ")), "{screen}");
}

#[test]
fn what_ends_at_once_is_not_waited_for_in_sight() {
    // on a busy machine the end may take its time
    eventually("an end at once", || {
        let server = Fixture::start(["serve", &quiet_address()]);
        let terminal = Terminal::start(Command::new(BINARY).arg(server.port().to_string()), 100, 24);
        !terminal.end().1.contains("asked to end")
    });
}

#[test]
fn a_quiet_wait_draws_nothing() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    let mut command = Command::new(BINARY);
    command.args(["--quiet", "--grace", "500ms", &server.port().to_string()]);
    let (_, screen) = Terminal::start(&mut command, 100, 24).end();
    assert!(!screen.contains("asked to end"), "{screen}");
}
