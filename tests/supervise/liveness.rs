//! Liveness: a server that hangs is one that crashed.

use nix::sys::signal::Signal;

use crate::{
    site::{Site, send, shell},
    support::eventually,
};

/// Probes that a test can wait for.
const PROBES: [&str; 6] = ["--health", "/", "--interval", "50ms", "--attempt-timeout", "200ms"];

#[test]
fn a_server_that_hangs_is_started_again() {
    let site = Site::new();
    let options = [&PROBES[..], &["--liveness", "3", "--grace", "200ms"]].concat();
    site.kept(&options, &site.server(&[]));
    let first = site.started()[0];
    send(first, Signal::SIGSTOP);
    site.generation(2);
    assert_eq!(site.alive(), [site.started()[1]]);
    assert!(site.logged().contains("was unhealthy 3 times in a row"), "{}", site.logged());
    assert!(site.entry().healthy);
}

#[test]
fn one_of_several_targets_that_is_not_healthy_any_more_is_named_and_enough() {
    let site = Site::new();
    let flag = site.word("flag");
    let file = format!("file:{flag}");
    let script = format!("touch {flag:?}; exec \"$0\" \"$@\"");
    let options = ["--health", "/", "--health", &file, "--interval", "50ms", "--liveness", "2"];
    site.kept(&options, &shell(&script, &site.server(&[])));
    std::fs::remove_file(&flag).expect("the server has made it");
    site.generation(2);
    let logged = site.logged();
    assert!(logged.contains(&format!("was unhealthy 2 times in a row: {file}: no such file")), "{logged}");
}

#[test]
fn a_server_that_recovers_in_time_is_left_alone() {
    let site = Site::new();
    let options = [&PROBES[..], &["--liveness", "20"]].concat();
    site.kept(&options, &site.server(&[]));
    send(site.started()[0], Signal::SIGSTOP);
    std::thread::sleep(std::time::Duration::from_millis(500));
    send(site.started()[0], Signal::SIGCONT);
    std::thread::sleep(std::time::Duration::from_millis(200));
    site.generation(1);
}

#[test]
fn a_server_that_hangs_is_not_healthy_and_a_call_waits_for_it() {
    let site = Site::new();
    let command = site.server(&[]);
    site.kept(&PROBES, &command);
    let pid = site.started()[0];
    send(pid, Signal::SIGSTOP);
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.running, entry.healthy), ("running", true, false));
    assert!(entry.reason.is_some());
    let late = [&PROBES[..], &["--timeout", "300ms"]].concat();
    site.keep(&late, &command).status(124).run();
    let mut call = site.keep(&[&PROBES[..], &["--json"]].concat(), &command).spawn();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(call.try_wait().expect("a call").is_none());
    send(pid, Signal::SIGCONT);
    assert!(call.wait().expect("it ends").success());
    eventually("health", || site.entry().healthy);
    assert_eq!(site.alive(), [pid]);
}
