//! What is killed: the supervisor, the starter; and who comes at the same time.

use std::{fs, net::TcpStream, thread, time::Duration};

use nix::sys::signal::Signal;
use proc_tree::process;

use crate::{
    kept::scripted,
    site::{Site, end, send},
    support::{eventually, runs},
};

#[test]
fn a_server_outlives_its_supervisor_and_the_next_call_supervises_it_again() {
    let site = Site::new();
    let command = site.server(&[]);
    let first = site.kept(&[], &command);
    let supervisor = site.supervisor();
    end(supervisor);
    assert!(site.get().contains("ok"));
    let second = site.kept(&[], &command);
    assert_eq!((second.action.as_str(), second.pid, second.restarts), ("adopted", first.pid, 0));
    assert_ne!(site.supervisor(), supervisor);
    assert_eq!(site.kept(&[], &command).action, "reused");
    send(first.pid.expect("a PID"), Signal::SIGKILL);
    site.generation(2);
}

#[test]
fn one_that_loads_when_its_supervisor_is_killed_is_ready_when_it_says_so() {
    let site = Site::new();
    // the first one says so at once, the second one when it may
    let loads = "(until [ -e go ]; do sleep 0.02; done; echo model loaded) &";
    let script = format!("if [ -e once ]; then {loads} else touch once; echo model loaded; fi; exec \"$@\"");
    let (command, ready) = (scripted(&script), ["--ready-log", "model loaded"]);
    site.kept(&ready, &command);
    send(site.started()[0], Signal::SIGKILL);
    eventually("the second one", || {
        let is_recorded = |pid: &u32| site.recorded("pid") == *pid;
        site.started().get(1).is_some_and(is_recorded) && TcpStream::connect(("127.0.0.1", site.port)).is_ok()
    });
    let lost = site.supervisor();
    end(lost);
    let mut call = site.keep(&ready, &command).spawn();
    eventually("another supervisor", || site.recorded("supervisor")["pid"] != lost.pid);
    thread::sleep(Duration::from_millis(500));
    assert_eq!((call.try_wait().expect("a child"), site.recorded("phase")), (None, "starting".into()));
    site.write("go", "");
    assert!(call.wait().expect("a child").success());
    assert_eq!((site.started().len(), site.recorded("phase")), (2, "ready".into()));
}

#[test]
fn one_that_may_have_said_so_while_nobody_listened_is_started_again() {
    let site = Site::new();
    let notifies = |ms: u32| format!("exec \"$program\" notify {ms} \"$@\"");
    let (first, second) = (notifies(60_000), notifies(50));
    let script = format!("program=$1; shift 2; [ -e once ] && {second}; touch once; {first}");
    let mut call = site.keep(&["--ready-notify"], &scripted(&script)).spawn();
    eventually("the first one", || site.started().first().is_some_and(|pid| site.recorded("pid") == *pid));
    end(site.supervisor());
    assert!(call.wait().expect("a child").success());
    assert_eq!((site.started().len(), runs(site.started()[0]), site.recorded("phase")), (2, false, "ready".into()));
}

#[test]
fn a_server_goes_on_writing_while_it_has_no_supervisor_and_nothing_is_lost() {
    const LINES: usize = 20_000;
    let site = Site::new();
    let writer = "until [ -e go ]; do sleep 0.02; done; i=0; \
                  while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo > written";
    let command = scripted(&format!(r#"({writer}) & exec "$@""#));
    let first = site.kept(&[], &command);
    end(site.supervisor());
    site.write("go", "");
    eventually("all lines written", || site.path("written").exists());
    assert!(site.get().contains("ok"));
    assert_eq!(site.kept(&[], &command).pid, first.pid);
    eventually("all lines logged", || site.logged().contains(&format!("line {}\n", LINES - 1)));
    assert_eq!(site.logged().lines().filter(|line| line.starts_with("line ")).count(), LINES);
}

#[test]
fn a_server_that_was_started_without_a_supervisor_gets_one() {
    let site = Site::new();
    let command = site.server(&[]);
    let plain = site.line(&[], &command);
    let kept = site.kept(&[], &command);
    assert_eq!((kept.action.as_str(), kept.pid), ("adopted", plain.pid));
    send(plain.pid.expect("a PID"), Signal::SIGKILL);
    site.generation(2);
    // also one of which there is no record
    end(site.supervisor());
    fs::remove_file(site.record()).expect("the record");
    let orphan = site.kept(&[], &command);
    assert_eq!((orphan.action.as_str(), orphan.pid), ("adopted", site.started().last().copied()));
    send(site.started()[1], Signal::SIGKILL);
    site.generation(3);
    assert!(site.recorded("log").is_string());
}

#[test]
fn many_starters_at_once_make_one_supervisor_and_one_server() {
    let site = Site::new();
    let command = site.server(&["--delay", "200"]);
    let lines = thread::scope(|scope| {
        let calls: Vec<_> = (0..6).map(|_| scope.spawn(|| site.kept(&[], &command))).collect();
        calls.into_iter().map(|call| call.join().expect("a call")).collect::<Vec<_>>()
    });
    assert_eq!(site.started().len(), 1);
    assert_eq!(lines.iter().filter(|line| line.action == "started").count(), 1, "{lines:?}");
    assert!(lines.iter().all(|line| line.pid == Some(site.started()[0]) && line.healthy), "{lines:?}");
    let supervisors = site.processes().into_iter().filter(|one| {
        process::command(one.pid).is_ok_and(|words| words.is_some_and(|words| words.iter().any(|w| w == "--supervise")))
    });
    assert_eq!(supervisors.count(), 1);
}

#[test]
fn a_starter_that_is_killed_leaves_a_supervisor_that_the_next_call_waits_for() {
    let site = Site::new();
    let command = site.server(&["--delay", "1500"]);
    let mut starter = site.keep(&[], &command).spawn();
    eventually("a server on its way up", || site.recorded("phase") == "starting" && !site.started().is_empty());
    starter.kill().expect("a starter can be killed");
    starter.wait().expect("it ends");
    let line = site.kept(&[], &command);
    assert_eq!((line.action.as_str(), line.pid), ("joined", Some(site.started()[0])));
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_starter_that_is_killed_at_any_time_leaves_one_server_or_none() {
    let site = Site::new();
    let command = site.server(&["--delay", "50"]);
    for wait in [0, 2, 5, 10, 20, 40, 80] {
        let mut starter = site.keep(&[], &command).spawn();
        thread::sleep(Duration::from_millis(wait));
        starter.kill().expect("a starter can be killed");
        starter.wait().expect("it ends");
        let line = site.kept(&[], &command);
        assert_eq!(site.alive(), [line.pid.expect("a PID")], "after {wait} ms");
        site.bare().args(["--stop"]).any_stdout().any_stderr().run();
        assert!(site.processes().is_empty(), "after {wait} ms");
    }
}

#[test]
fn an_interrupted_starter_leaves_nothing_behind() {
    let site = Site::new();
    let mut starter = site.keep(&[], &site.server(&["--delay", "5000"])).spawn();
    eventually("a server on its way up", || !site.started().is_empty());
    send(starter.id(), Signal::SIGINT);
    let status = starter.wait().expect("it ends");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(Signal::SIGINT as i32));
    eventually("nothing", || site.processes().is_empty());
    assert!(!runs(site.started()[0]) && site.is_stopped());
}

#[test]
fn a_deadline_ends_the_supervisor_too() {
    let site = Site::new();
    let output = site.keep(&["--timeout", "300ms"], &site.server(&["--delay", "60000"])).status(124).run();
    assert!(output.stderr.contains("was not ready"), "{}", output.stderr);
    assert!(site.processes().is_empty());
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.pid), ("stopped", None));
    assert!(entry.reason.is_some_and(|reason| reason.contains("was not ready") && reason.contains("within 0.30 s")));
}
