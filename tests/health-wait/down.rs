//! The reverse: waiting until something does not answer.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, thread, time::Duration};

use super::{
    health_wait, record,
    server::{Server, answer, until_closed},
};
use crate::support::{Fixture, free_port};

#[test]
fn what_does_not_answer_is_down_at_once() {
    let port = free_port();
    for target in [
        format!(":{port}"),
        format!("http://localhost:{port}/"),
        format!("grpc://localhost:{port}"),
        "unix:/no/such/socket".into(),
        "http+unix:/no/such/socket:/health".into(),
        "file:/no/such/file".into(),
        "pid:2147483646".into(),
        "exec:exit 3".into(),
    ] {
        let output = health_wait().args(["--down", "--once", "--json", &target]).any_stdout().run();
        let record = record(&output);
        assert!(!record.healthy && record.last_error.is_some(), "{}", output.stdout);
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = format!("port-free:{}", listener.local_addr().expect("it is bound").port());
    health_wait().args(["--down", "--once", &target]).run();
    drop(listener);
    let said = format!("health-wait: {target} is not down: still free\n");
    health_wait().args(["--down", "--once", &target]).status(1).stderr(said).run();
}

#[test]
fn what_answers_is_waited_for_until_it_does_not() {
    let server = Server::answering("200 OK", "");
    let (url, tcp) = (server.url("/"), format!(":{}", server.port()));
    health_wait()
        .args(["--down", "--once", &url])
        .status(1)
        .stderr(format!("health-wait: {url} is not down: still answers 200 OK\n"))
        .run();
    health_wait()
        .args(["--down", "--once", &tcp])
        .status(1)
        .stderr(format!("health-wait: {tcp} is not down: still accepts connections\n"))
        .run();
    let stops = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        drop(server);
    });
    let output = health_wait().args(["--down", "--json", &tcp]).any_stdout().any_stderr().run();
    stops.join().expect("the server stopped");
    assert_eq!(record(&output).last_error.as_deref(), Some("connection refused"));
    let said: Vec<_> = output.stderr.lines().collect();
    assert_eq!(said.len(), 2, "{}", output.stderr);
    assert_eq!(said[0], format!("waiting for {tcp}: still accepts connections"));
    assert!(
        said[1].starts_with(&format!("down: {tcp} after ")) && said[1].ends_with(" (connection refused)"),
        "{}",
        said[1]
    );
}

#[test]
fn a_server_on_the_other_family_still_answers() {
    let port = free_port();
    let _server = Server::replying(&format!("[::1]:{port}"), |_| answer("200 OK", ""));
    health_wait().args(["-q", "--down", "--once", &format!(":{port}")]).status(1).run();
}

#[test]
fn an_answer_is_an_answer_unless_its_contents_are_another_servers() {
    let server = Server::answering("503 Service Unavailable", "{\"service\":\"shop\"}");
    health_wait().args(["-q", "--down", "--once", &server.url("/")]).status(1).run();
    health_wait().args(["--down", "--once", "--expect-status=200", &server.url("/")]).run();
    let same = ["-q", "--down", "--once", "--expect-status=503", "--expect-json=$.service=shop"];
    health_wait().args(same).arg(server.url("/")).status(1).run();
}

#[test]
fn what_was_not_read_to_its_end_or_takes_too_long_to_look_through_is_not_another_servers() {
    const MOST: usize = 1 << 20;
    let many = format!("[{}\"x\"]", "0,".repeat(2_000));
    for (body, expected, said) in [
        (
            format!("{{\"x\":\"{}\",\"s\":\"ok\"}}", "y".repeat(MOST)),
            "--expect-json=$.s=ok",
            "body is longer than 1 MiB\n",
        ),
        (format!("{}ok", "y".repeat(MOST)), "--expect-body=ok", "body did not match \"ok\" in its first MiB: \"yyy"),
        (
            many,
            "--expect-json=$[?match(@,'x')]=x",
            "$[?match(@,'x')] may take more than 4000000 steps in a body like this\n",
        ),
    ] {
        let server = Server::replying("127.0.0.1:0", move |_| answer("200 OK", &body));
        let url = server.url("/");
        for (goal, state) in [(&["--down"][..], "down"), (&[], "healthy")] {
            let output = health_wait().args(goal).args(["--once", expected, &url]).status(1).any_stderr().run();
            let said = format!("health-wait: {url} is not {state}: {said}");
            assert!(output.stderr.starts_with(&said), "{}", output.stderr);
        }
    }
    // of one that is just not longer all is known
    let server = Server::replying("127.0.0.1:0", |_| answer("200 OK", &"y".repeat(MOST)));
    health_wait().args(["--down", "--once", "--expect-body=ok", &server.url("/")]).run();
}

/// Expects that a target which is there, in its way, is not said to be down; also where contents are expected of it.
fn not_down(target: &str, reason: &str) {
    let contents = ["--expect-body=x"];
    for expected in [&[][..], &contents[..usize::from(target.starts_with("http"))]] {
        let run = health_wait().args(["--down", "--once", "--attempt-timeout=200ms", target]).args(expected);
        let output = run.status(1).any_stderr().run();
        assert!(output.stderr.contains(&format!("{target} is not down: {reason}")), "{}", output.stderr);
    }
}

#[test]
fn a_name_that_is_not_found_is_not_down() {
    not_down("tcp://no-such-host.invalid:1", "cannot resolve no-such-host.invalid: ");
    not_down("http://localhsot.invalid/", "cannot resolve localhsot.invalid: ");
}

#[test]
fn what_accepts_and_never_answers_is_not_down_but_slow() {
    let server = Server::start("127.0.0.1:0", |mut stream| until_closed(&mut stream));
    not_down(&server.url("/"), "no answer within 200 ms");
    not_down(&format!("https://localhost:{}/", server.port()), "no TLS handshake within 200 ms");
    let output =
        health_wait().args(["-q", "--down", "--timeout=300ms", &server.url("/")]).status(124).any_stderr().run();
    assert!(output.stderr.ends_with(": no answer yet\n"), "{}", output.stderr);
}

#[test]
fn what_speaks_something_else_is_not_down() {
    let server = Server::start("127.0.0.1:0", |mut stream| {
        let _ = std::io::Write::write_all(&mut stream, b"SSH-2.0-OpenSSH_9.9\r\n");
        until_closed(&mut stream);
    });
    health_wait().args(["-q", "--down", "--once", &server.url("/")]).status(1).run();
    not_down(&format!("https://localhost:{}/", server.port()), "the server does not speak TLS");
    let server = Server::start("127.0.0.1:0", drop);
    health_wait().args(["-q", "--down", "--once", &server.url("/")]).status(1).run();
}

#[test]
fn a_redirect_that_leads_nowhere_is_an_answer() {
    let location = format!("http://127.0.0.1:{}/", free_port());
    let server = Server::replying("127.0.0.1:0", move |_| {
        format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    });
    health_wait().args(["-q", "--down", "--once", "--follow", &server.url("/")]).status(1).run();
}

#[test]
fn a_file_and_a_process_are_gone_when_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lock");
    fs::write(&path, "").expect("a file");
    let file = format!("file:{}", path.display());
    health_wait()
        .args(["--down", "--once", &file])
        .status(1)
        .stderr(format!("health-wait: {file} is not down: still exists\n"))
        .run();
    let process = Fixture::start(["serve", "--die-after", "300", "127.0.0.1:0"]);
    let pid = format!("pid:{}", process.pid());
    let removes = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        fs::remove_file(path).expect("the file is ours");
    });
    health_wait().args(["-q", "--down", &file, &pid]).run();
    removes.join().expect("the file was removed");
}

#[test]
fn a_command_that_could_not_ask_does_not_say_that_it_is_down() {
    for (command, said) in [
        ("no-such-command -q", "ended with status 127"),
        ("/", "ended with status 126"),
        ("kill -KILL $$", "ended with status 137"),
    ] {
        let target = format!("exec:{command}");
        let output = health_wait().args(["--down", "--once", &target]).status(1).any_stderr().run();
        assert!(output.stderr.starts_with(&format!("health-wait: {target} is not down: {said}")), "{}", output.stderr);
    }
    // ssh(1) ends so where there is nobody
    health_wait().args(["--down", "--once", "exec:exit 255"]).run();
}

#[test]
fn what_cannot_be_looked_at_is_not_down() {
    if !crate::support::is_root_or_skipped() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("the folder is ours");
    let target = format!("file:{}", folder.path().join("unseen").display());
    let said = format!("health-wait: {target} is not down: permission denied\n");
    health_wait().args(["--down", "--once", &target]).user(crate::support::NOBODY).status(1).stderr(said).run();
}
