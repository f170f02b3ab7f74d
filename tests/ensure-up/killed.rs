//! The starter is killed at any moment: never a second server while the first lives, and one when it does not.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    site::{Site, end, line, send},
    support::{eventually, runs, strace},
};
use nix::sys::signal::Signal;
use proc_tree::Identity;

/// What holds after a starter was killed, whenever that was.
fn the_next_call_finds_or_starts_one(site: &Site, server: &[String], known: usize) {
    let before: Vec<u32> = site.started()[known..].iter().copied().filter(|&pid| runs(pid)).collect();
    let line = line(&site.run(&["--json"], server).run());
    let alive = site.alive();
    assert_eq!(alive, [line.pid.expect("a server of ours is visible")], "{line:?}");
    assert!(before.is_empty() || before == alive, "{before:?} was there already: {line:?}");
    // nothing else of a killed starter is left: no process that waits to become a server
    let left: Vec<u32> = site.processes().iter().map(|identity| identity.pid).collect();
    assert_eq!(left, alive);
}

/// A small generator, so that a run can be told from another by its seed: xorshift64.
struct Delays(u64);

impl Delays {
    fn next(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        most * u32::try_from(self.0 % 1000).expect("a small number") / 1000
    }
}

/// Three hundred of them: `tests/faults/killed`.
#[test]
fn random_kills_leave_at_most_one_server_and_the_next_call_has_one() {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let kills = |worker: u64| {
        let site = Site::new();
        let server = site.server(&["--delay", "20"]);
        let mut delays = Delays(u64::from(seed) * 4 + worker + 1);
        let whole = {
            let started = Instant::now();
            site.run(&[], &server).run();
            site.clear();
            started.elapsed()
        };
        for _ in 0..10 {
            let known = site.started().len();
            let mut starter = site.run(&[], &server).spawn();
            thread::sleep(delays.next(whole));
            starter.kill().and_then(|()| starter.wait()).expect("a child can be killed");
            the_next_call_finds_or_starts_one(&site, &server, known);
            site.alive().into_iter().filter_map(|pid| Identity::of(pid).unwrap()).for_each(end);
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|worker| scope.spawn(move || kills(worker))).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|_| panic!("a kill with seed {seed} was not survived"));
        }
    });
}

/// With strace the moment can be chosen: on the way into the n-th call of a kind.
#[cfg(target_os = "linux")]
#[test]
fn a_starter_that_is_killed_in_a_given_system_call_leaves_no_harm() {
    let Some(strace) = strace() else { return };
    let stages = [
        ("flock", 1, "before the lock is held"),
        ("pipe2", 1, "before the process is made"),
        ("/^rename", 1, "before the record is in place"),
        ("write", 3, "after the record, before the exec"),
        ("epoll_wait", 1, "while it waits"),
        ("epoll_wait", 5, "while it waits"),
        ("/^rename", 2, "when the server is ready"),
    ];
    for (call, when, stage) in stages {
        let site = Site::new();
        // long enough for so many looks, also on a busy machine
        let server = ["--delay", if call == "epoll_wait" { "500" } else { "50" }];
        let mut tool = site.serve(&server);
        let traced = tool.command();
        let mut starter = Command::new(&strace);
        starter.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("trace={call}"));
        starter.arg("-e").arg(format!("inject={call}:signal=KILL:when={when}"));
        starter.arg(traced.get_program()).args(traced.get_args()).current_dir(site.folder());
        starter.env("ENSURE_UP_DIR", site.path("state")).stdout(Stdio::null()).stderr(Stdio::null());
        let status = starter.status().expect("strace runs");
        assert!(!status.success(), "{stage}: {call} {when} was not called");
        the_next_call_finds_or_starts_one(&site, &site.server(&server), 0);
    }
}

#[test]
fn the_next_caller_joins_the_start_of_one_that_was_killed() {
    let site = Site::new();
    let server = site.server(&["--delay", "700"]);
    let mut starter = site.run(&[], &server).spawn();
    eventually("the server", || !site.started().is_empty());
    starter.kill().and_then(|()| starter.wait()).unwrap();
    let line = site.line(&[], &server);
    assert_eq!((line.action.as_str(), line.pid), ("joined", Some(site.started()[0])));
    assert_eq!((site.started().len(), line.log), (1, Some(site.log())));
    assert_eq!(site.line(&[], &server).action, "reused");
}

#[test]
fn many_callers_join_the_start_of_one_that_was_killed() {
    let site = Site::new();
    let server = site.server(&["--delay", "500"]);
    let mut starter = site.run(&[], &server).spawn();
    eventually("the server", || !site.started().is_empty());
    let mut children: Vec<_> = (0..5).map(|_| site.run(&[], &server).spawn()).collect();
    starter.kill().and_then(|()| starter.wait()).unwrap();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_server_that_dies_after_its_starter_was_killed_is_started_again_by_who_joined() {
    let site = Site::new();
    let server = site.server(&["--delay", "400"]);
    let mut starter = site.run(&[], &server).spawn();
    eventually("the server", || !site.started().is_empty());
    starter.kill().and_then(|()| starter.wait()).unwrap();
    let joined = site.run(&["--json"], &server).spawn();
    thread::sleep(Duration::from_millis(100));
    send(site.started()[0], Signal::SIGKILL);
    let output = joined.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((site.started().len(), site.alive().len()), (2, 1));
    assert_eq!(crate::site::read(&output.stdout).pids, site.alive());
}
