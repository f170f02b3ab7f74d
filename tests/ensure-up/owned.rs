//! From the fork until it is recorded as ready a server has an owner: whatever fails on our side leaves nothing running.

use std::{path::Path, process::Command};

#[cfg(target_os = "linux")]
use nix::libc;

#[cfg(target_os = "linux")]
use crate::support::filter::{About, refuse};
use crate::{
    site::{Site, has_none, shell},
    support::{eventually, strace},
};

fn assert_nothing_is_left(site: &Site, case: &str) {
    eventually(&format!("nothing left: {case}, but {:?}", site.processes()), || site.processes().is_empty());
    assert!(site.has_no_server(), "{case}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_cannot_be_watched_is_not_left_running() {
    for options in [&[][..], &["--keep-up"]] {
        let site = Site::new();
        let mut tool = site.run(options, &site.server(&[])).status(125);
        refuse(tool.command(), &[libc::SYS_pidfd_open], About::Others, libc::EIO);
        let output = tool.run();
        assert!(
            output.stderr.starts_with("ensure-up: cannot start a process: input/output error"),
            "{}",
            output.stderr
        );
        assert_nothing_is_left(&site, &format!("{options:?}"));
        assert!(site.started().is_empty() && has_none(&site.path("state"), ".json"), "it never ran");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_supervisor_that_cannot_be_waited_for_is_not_left_running() {
    let site = Site::new();
    let mut tool = site.run(&["--keep-up"], &site.server(&["--delay", "300"])).status(125);
    refuse(tool.command(), &[libc::SYS_inotify_init1], About::All, libc::ENOSYS);
    tool.run();
    assert_nothing_is_left(&site, "no inotify");
    assert!(site.is_forgotten(), "nothing is recorded of it");
}

#[test]
fn a_server_whose_readiness_cannot_be_recorded_is_not_left_running() {
    let site = Site::new();
    // a folder that is not empty stands where the next record shall be
    let script = "rm \"$RECORD\" && mkdir -p \"$RECORD/x\"; sleep 61 & exec \"$0\" \"$@\"";
    let tool = site.run(&[], &shell(script, &site.server(&[]))).env("RECORD", site.record());
    let output = tool.status(125).run();
    assert!(output.stderr.contains("ensure-up: cannot write a record in "), "{}", output.stderr);
    assert_eq!(site.started().len(), 1, "it ran");
    assert_nothing_is_left(&site, "no second record");
    assert!(has_none(&site.path("state"), ".new"), "nothing half written");
}

#[cfg(target_os = "linux")]
#[test]
fn a_starter_that_runs_out_of_descriptors_leaves_nothing_running() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let site = Site::new();
    let command = shell("sleep 61 & \"$0\" \"$@\"; true", &site.server(&["--delay", "60000"]));
    let mut starter = site.run(&[], &command).spawn();
    eventually("a server on its way up", || !site.started().is_empty());
    let pid = i32::try_from(starter.id()).ok().and_then(Pid::from_raw);
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    prlimit(pid, Resource::Nofile, none).expect("the limit of a child can be set");
    let status = starter.wait().expect("it ends");
    assert_eq!(status.code(), Some(125));
    assert_nothing_is_left(&site, "no descriptors");
}

/// Runs the tool with one system call failing once; what it executes is not traced.
fn with_fault(site: &Site, strace: &Path, options: &[&str], inject: &str) -> Option<i32> {
    let mut tool = site.run(options, &site.server(&["--delay", "20"]));
    let inner = tool.command();
    let mut command = Command::new(strace);
    command.args(["-f", "-qq", "-b", "execve", "-o"]).arg(site.path("trace")).args(["-e", inject]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(site.folder());
    command.env("ENSURE_UP_DIR", site.path("state")).stdin(std::process::Stdio::null());
    command.output().expect("strace runs").status.code()
}

/// The calls that fail, how, and which time they are made.
type Faults = [(&'static str, &'static str, &'static [u32])];

/// Lets each call fail at each of these times: a server is up afterwards, or nothing is left. Strace takes its time.
fn leaves_a_server_that_is_up_or_none(faults: &Faults) {
    let Some(strace) = strace() else { return };
    let check = |inject: &str, options: &[&str]| {
        let site = Site::new();
        let status = with_fault(&site, &strace, options, inject);
        let case = format!("{inject} {options:?}: {status:?}");
        match status {
            Some(0) => assert!(site.get().starts_with("HTTP/1.1 200"), "{case}"),
            Some(_) => assert_nothing_is_left(&site, &case),
            None => panic!("{case}, by a signal"),
        }
    };
    let injects = faults.iter().flat_map(|(call, error, times)| {
        times.iter().map(move |time| format!("inject={call}:error={error}:when={time}"))
    });
    let injects: Vec<String> = injects.collect();
    std::thread::scope(|scope| {
        for options in [&[][..], &["--keep-up"]] {
            scope.spawn(|| injects.iter().for_each(|inject| check(inject, options)));
        }
    });
}

#[test]
fn a_system_call_that_fails_leaves_a_server_that_is_up_or_none() {
    leaves_a_server_that_is_up_or_none(&[
        ("pidfd_open", "ENOSYS", &[1, 3]),
        ("poll", "ENOMEM", &[2]),
        ("socket", "EMFILE", &[1, 3, 8]),
        ("/^rename", "ENOSPC", &[1, 2]),
        ("epoll_create1", "EMFILE", &[1, 2]),
        ("openat", "EMFILE", &[8, 16, 28, 40, 64, 100]),
    ]);
}

#[test]
#[ignore = "long: cargo test -p ensure-up --test ensure-up at_any_time -- --ignored"]
fn a_system_call_that_fails_at_any_time_leaves_a_server_that_is_up_or_none() {
    leaves_a_server_that_is_up_or_none(&[
        ("pidfd_open", "ENOSYS", &[1, 2, 3]),
        ("poll", "ENOMEM", &[1, 2, 3, 4]),
        ("socket", "EMFILE", &[1, 2, 3, 5, 8]),
        ("/^rename", "ENOSPC", &[1, 2]),
        ("epoll_create1", "EMFILE", &[1, 2]),
        ("openat", "EMFILE", &[4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 100, 150, 200]),
    ]);
}
