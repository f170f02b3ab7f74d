//! A supervisor that is killed while somebody waits for its server: the server lives, and nobody is told that it ended.

use std::{thread, time::Duration};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, line, send},
    support::{eventually, runs},
};

#[test]
fn who_waits_for_a_server_is_not_told_that_it_ended_when_its_supervisor_is_killed() {
    for waits in [&["--keep-up"][..], &[]] {
        let site = Site::new();
        let server = site.server(&["--not-ready", "2500"]);
        let run = |options: &[&str]| site.run(&[&["--json", "--health", "/"], options].concat(), &server).spawn();
        let first = run(&["--keep-up"]);
        eventually("the server", || !site.started().is_empty());
        let second = run(waits);
        thread::sleep(Duration::from_millis(300));
        let pid = site.started()[0];
        let supervisor = proc_tree::process::stat(pid).unwrap().unwrap().parent;
        send(supervisor, Signal::SIGKILL);
        eventually("the end of the supervisor", || !runs(supervisor));
        for caller in [first, second] {
            let output = caller.wait_with_output().unwrap();
            assert!(output.status.success(), "{waits:?}: {output:?}");
            assert_eq!(crate::site::read(&output.stdout).pid, Some(pid), "{waits:?}: {output:?}");
        }
        assert_eq!((site.started().len(), site.alive()), (1, vec![pid]), "{waits:?}");
        assert_eq!(line(&site.run(&["--json", "--keep-up", "--health", "/"], &server).run()).action, "reused");
    }
}

#[test]
fn who_waits_for_a_restart_is_given_the_next_server_when_the_supervisor_is_killed_in_its_pause() {
    let site = Site::new();
    let server = site.server(&[]);
    let first = site.line(&["--keep-up", "--backoff", "30s"], &server).pid.unwrap();
    let supervisor = proc_tree::process::stat(first).unwrap().unwrap().parent;
    send(first, Signal::SIGKILL);
    eventually("the pause", || std::fs::read_to_string(site.record()).unwrap().contains("\"waiting\""));
    let waiting = site.run(&["--json", "--keep-up", "--backoff", "30s"], &server).spawn();
    thread::sleep(Duration::from_millis(300));
    send(supervisor, Signal::SIGKILL);
    let output = waiting.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(site.alive().len(), 1);
    assert_eq!(crate::site::read(&output.stdout).pids, site.alive());
}
