//! What users of wait-on and wait-for-it know to hold, of all kinds of targets together.

use std::{fs, io::Write, net::TcpListener, os::unix::net::UnixListener, path::Path, thread, time::Duration};

use super::{
    health_wait, records,
    server::{answer, read_head},
};
use crate::support::free_port;

/// Lets everything be there that the targets of a folder and a port name; it is gone when it is dropped.
struct All {
    _unix: UnixListener,
    _tcp: TcpListener,
}

fn targets(folder: &Path, port: u16) -> Vec<String> {
    let at = |name: &str| folder.join(name).display().to_string();
    vec![
        format!("file:{}", at("deeper/deep/file")),
        format!("unix:{}", at("a:b/sock")),
        format!("http+unix:{}:/health?x=:/", at("a:b/sock")),
        format!("tcp:localhost:{port}"),
        format!("tcp:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!("exec:test -e '{}'", at("deeper/deep/file")),
    ]
}

fn serve(folder: &Path, port: u16, status: &'static str) -> All {
    for name in ["deeper/deep", "a:b"] {
        fs::create_dir_all(folder.join(name)).expect("the folder is ours");
    }
    let tcp = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let unix = UnixListener::bind(folder.join("a:b/sock")).expect("a socket");
    let (tcp_side, unix_side) = (tcp.try_clone().expect("a socket"), unix.try_clone().expect("a socket"));
    thread::spawn(move || tcp_side.incoming().flatten().for_each(|mut stream| reply(&mut stream, status)));
    thread::spawn(move || unix_side.incoming().flatten().for_each(|mut stream| reply(&mut stream, status)));
    fs::write(folder.join("deeper/deep/file"), "data").expect("the folder is ours");
    All { _unix: unix, _tcp: tcp }
}

fn reply(stream: &mut (impl std::io::Read + Write), status: &str) {
    if !read_head(stream).is_empty() {
        let _ = stream.write_all(&answer(status, "data"));
    }
}

#[test]
fn targets_of_every_kind_are_waited_for_at_once_until_the_last_is_there() {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let path = folder.path().to_owned();
    let comes = thread::spawn(move || {
        thread::sleep(Duration::from_secs(1));
        serve(&path, port, "200 OK")
    });
    let targets = targets(folder.path(), port);
    let output = health_wait().arg("--json").args(&targets).any_stdout().any_stderr().run();
    let _all = comes.join().expect("they are there");
    let found = records(&output);
    assert_eq!(found.iter().map(|record| record.target.clone()).collect::<Vec<_>>(), targets);
    assert!(found.iter().all(|record| record.healthy && record.waited_ms >= 200), "{}", output.stdout);
}

#[test]
fn those_that_are_missing_are_named_and_no_others() {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let _all = serve(folder.path(), port, "404 Not Found");
    let missing = [format!("file:{}", folder.path().join("none").display()), format!("tcp:{}", free_port())];
    let targets = [&targets(folder.path(), port)[..], &missing].concat();
    let output = health_wait().args(["--timeout=300ms", "-q"]).args(&targets).status(124).any_stderr().run();
    let named: Vec<&str> =
        output.stderr.lines().filter_map(|line| line.split(" is not healthy after").next()).collect();
    let expected = [&targets[2], &targets[5], &missing[0], &missing[1]].map(|target| format!("health-wait: {target}"));
    assert_eq!(named, expected, "{}", output.stderr);
}

#[test]
fn all_kinds_are_down_when_nothing_of_them_is_there_and_not_before() {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    let targets = targets(folder.path(), port);
    let down = || health_wait().args(["-q", "--down", "--once"]).args(&targets);
    down().run();
    let _all = serve(folder.path(), port, "404 Not Found");
    down().status(1).any_stderr().run();
    // where a status is expected, another answer is none of what was meant
    health_wait().args(["-q", "--down", "--once", "--expect-status=200-299", &targets[5]]).run();
}

#[test]
fn the_command_runs_with_its_own_status_and_streams_only_when_it_is_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (there, none) = (listener.local_addr().expect("an address").port(), free_port());
    for (port, status, stdout) in [(there, 2, "RAN\n"), (none, 124, "")] {
        let target = format!("localhost:{port}");
        let run = health_wait().args(["--timeout=200ms", &target, "--", "sh", "-c", "echo RAN; exit 2"]);
        run.status(status).stdout(stdout).any_stderr().run();
    }
}
