//! Nobody is left halted, whatever becomes of port-kill itself.

use std::{thread, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proc_tree::{RunState, process};

use super::{port_kill, quiet_address};
use crate::support::Fixture;

/// Lists the processes of a family that are halted, by a word on their command lines that nobody else has.
fn halted(mark: &str) -> Vec<u32> {
    let is_one = |pid: &u32| {
        let words = process::command(*pid).ok().flatten().unwrap_or_default();
        let stat = process::stat(*pid).ok().flatten();
        words.iter().any(|word| word == mark) && stat.is_some_and(|stat| stat.state == RunState::Stopped)
    };
    process::all().expect("the table can be read").into_iter().filter(is_one).collect()
}

/// Ends port-kill by a signal so long after it was started.
fn interrupt(server: &Fixture, signal: Signal, milliseconds: u64) {
    let mut tool = port_kill().args(["--tree", "--grace", "1m", "--quiet", &server.port().to_string()]);
    let mut child = tool.spawn();
    thread::sleep(Duration::from_millis(milliseconds));
    kill(Pid::from_raw(child.id().cast_signed()), signal).expect("the tool is ours");
    child.wait().expect("a child can be waited for");
}

#[test]
fn a_signal_that_can_be_caught_leaves_nobody_halted_even_of_a_tree_that_forks() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        for milliseconds in [4, 8, 12, 20, 40] {
            let mark = format!("mark-interrupted-{signal}-{milliseconds}");
            let server = Fixture::start(["storm", "--ignore-term", &mark, &quiet_address()]);
            interrupt(&server, signal, milliseconds);
            assert_eq!(halted(&mark), [0; 0], "{signal} {milliseconds}");
        }
    }
}

#[test]
fn a_tree_at_rest_is_never_halted_so_that_not_even_sigkill_leaves_it_so() {
    let server = Fixture::start(["brood", "60", "mark-at-rest", &quiet_address()]);
    // one that was born within the last second would show that there may be more in a moment
    thread::sleep(Duration::from_millis(1200));
    for milliseconds in [4, 8, 15, 25, 40, 60] {
        interrupt(&server, Signal::SIGKILL, milliseconds);
        assert_eq!(halted("mark-at-rest"), [0; 0], "{milliseconds}");
    }
}
