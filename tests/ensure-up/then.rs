//! `--then`: a command while the server is up, then the server is stopped if this call started it.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, end, send, shell},
    support::{eventually, runs, skipped},
};
use proc_tree::Identity;

#[test]
fn its_status_is_the_status_and_the_server_is_stopped() {
    let site = Site::new();
    for status in [0, 1, 7, 124] {
        site.run(&["--then", &format!("exit {status}")], &site.server(&[])).status(status).run();
        assert_eq!(site.processes(), []);
        assert!(site.is_forgotten());
    }
    site.run(&["--then", "kill -9 $$"], &site.server(&[])).status(137).run();
    assert_eq!(site.started().len(), 5);
}

#[test]
fn it_runs_while_the_server_is_up_with_its_port_and_the_callers_streams() {
    let site = Site::new();
    let then = "echo \"port $PORT\"; cat; echo told >&2; wc -l < count";
    let output = site.run(&["--then", then], &site.server(&["--delay", "200"])).stdin("typed\n").run();
    assert_eq!(output.stdout.split_whitespace().collect::<Vec<_>>().join(" "), format!("port {} typed 1", site.port));
    assert!(output.stderr.starts_with("started ") && output.stderr.ends_with("told\n"), "{}", output.stderr);
}

#[test]
fn a_server_that_a_call_was_to_stop_does_not_stay_where_that_fails_before() {
    if !Path::new("/dev/full").exists() {
        return skipped("no /dev/full");
    }
    let site = Site::new();
    for options in [&["--then", "touch ran"][..], &["--then", "touch ran", "--keep-up"], &["--foreground"]] {
        let mut tool = site.run(&[&["--json"], options].concat(), &site.server(&[]));
        let full = fs::File::options().write(true).open("/dev/full").expect("the device is there");
        let output = tool.command().stdout(full).stderr(Stdio::piped()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert_eq!(site.processes(), [], "{options:?}: {said}");
        assert!(!site.path("ran").exists(), "{options:?}");
    }
    assert_eq!(site.started().len(), 3);
}

#[test]
fn a_server_that_was_there_before_stays() {
    let site = Site::new();
    site.serve(&[]).run();
    site.run(&["--then", "exit 3"], &site.server(&[])).status(3).run();
    assert_eq!(site.alive(), site.started());
    assert!(site.record().exists());
}

#[test]
fn a_signal_to_the_tool_alone_ends_the_command_and_the_server_in_whatever_group_they_are() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let site = Site::new();
        let server = shell("setsid sleep 61 & \"$0\" group sleep 62 & \"$0\" \"$@\"; true", &site.server(&[]));
        let then = format!("setsid sleep 63 & '{}' group sleep 64 & touch up; sleep 65", crate::site::fixture());
        let mut child = site.run(&["--grace", "300ms", "--then", &then], &server).spawn();
        eventually("the command", || site.path("up").exists());
        send(child.id(), signal);
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
        assert_eq!(site.processes(), [], "{signal}");
        assert!(site.is_forgotten());
    }
}

#[test]
fn a_command_that_ignores_the_signal_is_killed_after_the_grace() {
    let site = Site::new();
    let then = "trap '' TERM INT; touch up; while true; do sleep 0.1; done";
    let mut child = site.run(&["--grace", "200ms", "--then", then], &site.server(&[])).spawn();
    eventually("the command", || site.path("up").exists());
    send(child.id(), Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(site.processes(), []);
}

#[test]
fn a_signal_leaves_a_server_that_was_there_before() {
    let site = Site::new();
    site.serve(&[]).run();
    let mut child = site.run(&["--then", "touch up; sleep 60"], &site.server(&[])).spawn();
    eventually("the command", || site.path("up").exists());
    send(child.id(), Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(site.processes().iter().map(|process| process.pid).collect::<Vec<_>>(), site.started());
}

#[test]
fn a_grandchild_that_holds_the_pipe_does_not_hold_up_the_end() {
    let site = Site::new();
    let started = Instant::now();
    let mut child = site.run(&["--then", "sleep 60 & exit 5"], &site.server(&[])).spawn();
    // both pipes stay open, held by the sleeper
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(5));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(site.alive().is_empty());
}

#[test]
fn a_server_that_dies_meanwhile_is_told_and_the_command_goes_on() {
    for (options, how) in [(&["--die-after", "300"][..], "ended with status 7"), (&[], "was ended by SIGKILL")] {
        let site = Site::new();
        let then = "while kill -0 $(cat count) 2>/dev/null; do kill -9 $(test -e die && cat count) 2>/dev/null; sleep 0.05; done; exit 9";
        if options.is_empty() {
            fs::write(site.path("die"), "").unwrap();
        }
        let output = site.run(&["--then", then], &site.server(options)).status(9).run();
        let said = format!("ensure-up: fixture {how} while the command runs");
        assert!(output.stderr.contains(&said), "{}", output.stderr);
        assert!(site.is_forgotten());
    }
}

#[test]
fn a_server_that_ends_well_meanwhile_is_told_too() {
    let site = Site::new();
    // ends with status 0 once it is told to, and as the last of its processes
    let server =
        shell("\"$0\" \"$@\" & while ! test -e end; do sleep 0.02; done; kill $!; wait $!; exit 0", &site.server(&[]));
    let output = site.run(&["--then", "touch end; sleep 0.6"], &server).run();
    assert!(output.stderr.contains("ensure-up: sh ended with status 0 while the command runs"), "{}", output.stderr);
}

#[test]
fn a_server_of_somebody_else_that_dies_meanwhile_is_told() {
    let site = Site::new();
    site.serve(&[]).run();
    let pid = site.alive()[0];
    let output = site.run(&["--then", "kill -9 $(cat count); sleep 0.2"], &site.server(&[])).run();
    assert!(output.stderr.contains("ensure-up: fixture ended while the command runs"), "{}", output.stderr);
    assert!(!runs(pid));
}

#[test]
fn the_command_does_not_run_when_the_server_does_not_come_up() {
    let site = Site::new();
    site.run(&["--then", "touch ran"], &["false"]).status(3).run();
    site.run(&["--then", "touch ran", "--timeout", "200ms"], &site.server(&["--delay", "60000"])).status(124).run();
    assert!(!site.path("ran").exists());
}

#[test]
fn what_another_call_started_since_stays_and_stays_known() {
    let site = Site::new();
    let server = site.server(&[]);
    let mut first = site.run(&["--then", "touch up; while ! test -e go; do sleep 0.02; done"], &server).spawn();
    eventually("the command", || site.path("up").exists());
    let second = site.line(&["--restart"], &server);
    fs::write(site.path("go"), "").unwrap();
    assert!(first.wait().unwrap().success());
    assert_eq!((site.alive(), site.record().exists()), (vec![second.pid.unwrap()], true));
    assert_eq!(site.line(&[], &server).action, "reused");
}

#[test]
fn what_the_command_left_running_in_a_session_of_its_own_is_not_the_servers() {
    let site = Site::new();
    site.run(
        &[
            "--then",
            "setsid sh -c 'echo $$ > left; exec sleep 60' >/dev/null 2>&1 & while ! test -s left; do sleep 0.02; done",
        ],
        &site.server(&[]),
    )
    .run();
    let left: u32 = fs::read_to_string(site.path("left")).unwrap().trim().parse().unwrap();
    assert!(runs(left) && site.alive().is_empty());
    end(Identity::of(left).unwrap().unwrap());
}

#[test]
fn a_closed_stdout_does_not_keep_the_command_from_running() {
    let site = Site::new();
    let mut child = site.run(&["--then", "touch ran; exit 6"], &site.server(&["--delay", "200"])).spawn();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(6));
    assert!(site.path("ran").exists() && site.processes().is_empty());
}
