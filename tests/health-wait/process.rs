//! Waiting for as long as a process lives, and becoming another one afterwards.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    time::Duration,
};

use super::{health_wait, records, server::Server};
use crate::support::{Fixture, free_port, runs};

#[test]
fn the_end_of_the_process_ends_the_wait_with_status_three() {
    let server = Fixture::start(["serve", "--answer", "503 Service Unavailable", "--die-after", "400", "127.0.0.1:0"]);
    let url = format!("http://127.0.0.1:{}/", server.port());
    let pid = server.pid().to_string();
    let output =
        health_wait().args(["--timeout=0", "--json", "--pid", &pid, &url]).status(3).any_stdout().any_stderr().run();
    assert_eq!(records(&output)[0].last_error.as_deref(), Some("503 Service Unavailable"));
    let said = output.stderr.lines().last().expect("it says why");
    assert!(said.starts_with(&format!("health-wait: process {pid} ended after ")), "{said}");
    assert!(said.ends_with(&format!(" s; last answer from {url}: 503 Service Unavailable")), "{said}");
}

#[test]
fn a_process_that_does_not_exist_is_status_three_at_once_also_when_the_target_is_healthy() {
    let server = Server::answering("200 OK", "");
    let mut child = Command::new("true").stdin(Stdio::null()).spawn().expect("true runs");
    let zombie = child.id();
    crate::support::eventually("the end of true", || !runs(zombie));
    for pid in [2_147_483_646, zombie] {
        let said = format!("health-wait: process {pid} does not exist, or has ended\n");
        let output = health_wait()
            .args(["--json", "--pid", &pid.to_string(), &server.url("/")])
            .status(3)
            .stderr(said)
            .any_stdout()
            .run();
        assert_eq!(records(&output)[0].attempts, 0);
    }
    child.wait().expect("a child can be waited for");
    assert_eq!(server.accepted(), 0);
}

#[test]
fn a_process_that_lives_does_not_keep_a_healthy_target_from_being_found() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    health_wait().args(["--pid", &server.pid().to_string(), &format!(":{}", server.port())]).run();
}

#[test]
fn the_command_takes_the_tools_place() {
    let server = Server::answering("200 OK", "");
    let target = format!(":{}", server.port());
    health_wait()
        .args([&target, "--", "sh", "-c", "read line; echo \"$line\" $#; exit 7", "sh", "-x"])
        .stdin("hello\n")
        .status(7)
        .stdout("hello 1\n")
        .run();
    let mut run = health_wait().args([&target, "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(run.finish().status.signal(), Some(9));
    // the very process: no shell, no parent in between
    let mut run = health_wait().args([&target, "--", "sh", "-c", "echo $$"]);
    let child = run.spawn();
    let pid = child.id();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), pid.to_string());
    // SIGPIPE is at its default again, as a command expects it
    let output = health_wait().args([&target, "--", "sh", "-c", "kill -PIPE $$; echo survived"]).finish();
    assert_eq!((output.signal(), output.stdout.as_str()), (Some(13), ""));
}

#[test]
fn a_command_that_cannot_run_is_126_or_127() {
    let server = Server::answering("200 OK", "");
    let target = format!(":{}", server.port());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data");
    std::fs::write(&file, "no program").expect("a file");
    let data = file.to_str().expect("UTF-8");
    for (program, status, reason) in [
        ("/no/such/program", 127, "command not found: /no/such/program"),
        ("no-such-program-on-the-path", 127, "command not found: no-such-program-on-the-path"),
        (data, 126, &format!("cannot execute {data}: permission denied")),
    ] {
        let said = format!("health-wait: {reason}\n");
        health_wait().args([&target, "--", program]).status(status).stderr(said).run();
    }
}

#[test]
fn the_command_is_not_started_unless_it_is_healthy() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("started").display().to_string();
    let target = format!(":{}", free_port());
    health_wait().args(["-q", "--once", &target, "--", "touch", &mark]).status(1).run();
    health_wait().args(["--timeout=50ms", &target, "--", "touch", &mark]).status(124).any_stderr().run();
    health_wait().args(["-q", "--pid=2147483646", &target, "--", "touch", &mark]).status(3).any_stderr().run();
    assert!(!std::path::Path::new(&mark).exists());
}

#[test]
fn the_deadline_is_kept_whatever_is_waited_for() {
    let server = Server::start("127.0.0.1:0", |mut stream| super::server::until_closed(&mut stream));
    for target in [format!(":{}", free_port()), server.url("/"), "file:/no/such/file".into()] {
        let output =
            health_wait().args(["--timeout=400ms", "--attempt-timeout=20s", &target]).status(124).any_stderr().run();
        // on a busy machine the end may come late, but far from what one attempt may take
        let took = output.took;
        assert!((Duration::from_millis(400)..Duration::from_secs(8)).contains(&took), "{target}: {took:?}");
    }
}

#[test]
fn zero_means_no_limit_no_delay_and_no_deadline() {
    for target in ["file:/no/such/file".to_owned(), format!(":{}", free_port())] {
        let output =
            health_wait().args(["--interval=0.0001", "--timeout=200ms", &target]).status(124).any_stderr().run();
        assert!(output.took < Duration::from_secs(8), "{:?}", output.took);
    }
    let server = Fixture::start(["serve", "--not-ready", "300", "127.0.0.1:0"]);
    let target = format!("http://127.0.0.1:{}/", server.port());
    health_wait().args(["-q", "--timeout=0", "--attempt-timeout=0", "--initial-delay=0", &target]).run();
    // far more than any clock can count
    let eternity =
        ["--timeout=99999999999999999", "--attempt-timeout=99999999999999999", "--interval=99999999999999999"];
    health_wait().args(eternity).arg(&target).run();
}

#[test]
fn the_first_attempt_can_be_put_off_but_not_beyond_the_deadline() {
    let server = Server::answering("200 OK", "");
    let output = health_wait().args(["--initial-delay=200ms", &server.url("/")]).run();
    assert!(output.took >= Duration::from_millis(200), "{:?}", output.took);
    let output =
        health_wait().args(["--initial-delay=1h", "--timeout=100ms", &server.url("/")]).status(124).any_stderr().run();
    assert!(output.stderr.ends_with(": not asked yet\n"), "{}", output.stderr);
    assert_eq!(server.accepted(), 1);
}
