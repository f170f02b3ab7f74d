//! Every kind of target, several of them, and the addresses that one has.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixListener,
    thread,
    time::{Duration, Instant},
};

use super::{
    Record, health_wait, record, records,
    server::{Server, answer, read_head},
};
use crate::support::{Fixture, eventually, free_port};

#[test]
fn a_healthy_server_is_silence_and_status_zero() {
    let server = Server::answering("200 OK", "fine");
    health_wait().arg(server.url("/health")).run();
    assert_eq!(server.accepted(), 1);
}

#[test]
fn the_record_of_a_healthy_server_has_the_answer_in_it() {
    let server = Server::answering("204 No Content", "");
    let output = health_wait().args(["--json", &server.url("/")]).any_stdout().run();
    let record = record(&output);
    assert_eq!(record.target, server.url("/"));
    assert_eq!((record.healthy, record.address.as_deref(), record.status), (true, Some("127.0.0.1"), Some(204)));
    assert_eq!((record.attempts, record.last_error), (1, None));
    assert!(record.latency_ms.is_some_and(|latency| latency <= record.waited_ms), "{}", output.stdout);
}

#[test]
fn localhost_is_found_on_the_only_family_that_is_served() {
    for (served, address) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")] {
        let server = Server::replying(served, |_| answer("200 OK", ""));
        let tcp = format!(":{}", server.port());
        for target in [server.url("/"), tcp.clone(), format!("tcp://localhost{tcp}"), format!("localhost{tcp}")] {
            let output = health_wait().args(["--json", &target]).any_stdout().run();
            assert_eq!(record(&output).address.as_deref(), Some(address), "{target}");
        }
    }
}

#[test]
fn a_family_that_never_answers_does_not_keep_the_other_from_being_found() {
    let port = free_port();
    let silent = Server::start(&format!("127.0.0.1:{port}"), |mut stream| super::server::until_closed(&mut stream));
    let starts = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        Server::replying(&format!("[::1]:{port}"), |_| answer("200 OK", ""))
    });
    let output =
        health_wait().args(["--json", "--attempt-timeout=15s", &silent.url("/")]).any_stdout().any_stderr().run();
    drop(starts.join());
    let record = record(&output);
    assert_eq!(record.address.as_deref(), Some("::1"));
    assert!(record.waited_ms < 10_000, "{}", output.stdout);
    assert_eq!(silent.most_open(), 1);
}

#[test]
fn ipv6_literals_are_understood_in_every_form() {
    let server = Server::replying("[::1]:0", |_| answer("200 OK", ""));
    let port = server.port();
    for target in [
        format!("[::1]:{port}"),
        format!("tcp://[::1]:{port}"),
        format!("http://[::1]:{port}/"),
        format!("http://[0:0:0:0:0:0:0:1]:{port}/"),
        format!("[::1%lo]:{port}"),
        format!("http://[::1%25lo]:{port}/"),
    ] {
        // zones are named after interfaces, and only Linux calls the loopback "lo"
        if cfg!(target_os = "linux") || !target.contains('%') {
            health_wait().arg(target).run();
        }
    }
    let mapped = Server::answering("200 OK", "");
    health_wait().arg(format!("[::ffff:127.0.0.1]:{}", mapped.port())).run();
}

#[test]
fn a_name_of_the_hosts_file_is_a_host() {
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut names = hosts
        .lines()
        .filter_map(|line| line.split('#').next()?.strip_prefix("127.0.0.1"))
        .flat_map(str::split_whitespace);
    let Some(name) = names.rfind(|&name| name != "localhost") else {
        return crate::support::skipped("the hosts file has no other name for 127.0.0.1");
    };
    let server = Server::answering("200 OK", "");
    health_wait().arg(format!("http://{name}:{}/", server.port())).run();
}

#[test]
fn a_server_that_starts_later_is_waited_for() {
    let port = free_port();
    let starts = thread::spawn(move || {
        Fixture::start(["serve", "--delay", "300", "--not-ready", "300", &format!("127.0.0.1:{port}")])
    });
    let url = format!("http://localhost:{port}/health");
    let output = health_wait().args(["--json", &url]).any_stdout().any_stderr().run();
    drop(starts.join());
    let record = record(&output);
    assert!(record.waited_ms >= 300 && record.attempts > 2, "{}", output.stdout);
    assert_eq!(record.last_error.as_deref(), Some("503 Service Unavailable"));
    let said: Vec<_> = output.stderr.lines().collect();
    assert_eq!(said[0], format!("waiting for {url}: connection refused"));
    assert!(said.contains(&format!("waiting for {url}: 503 Service Unavailable").as_str()), "{}", output.stderr);
    assert!(said.last().is_some_and(|line| line.starts_with(&format!("healthy: {url} after "))), "{}", output.stderr);
}

#[test]
fn unix_sockets_are_connected_to_and_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.sock");
    let target = |scheme: &str, rest: &str| format!("{scheme}:{}{rest}", path.display());
    health_wait()
        .args(["--once", &target("unix", "")])
        .status(1)
        .stderr(format!("health-wait: {} is not healthy: no such socket\n", target("unix", "")))
        .run();
    let listener = UnixListener::bind(&path).expect("a socket");
    let serving = thread::spawn(move || {
        let mut heads = Vec::new();
        for stream in listener.incoming().take(3) {
            let mut stream = stream.expect("a connection");
            let head = read_head(&mut stream);
            if !head.is_empty() {
                std::io::Write::write_all(&mut stream, &answer("200 OK", "")).expect("an answer");
                heads.push(head);
            }
        }
        heads
    });
    let output = health_wait().args(["--json", &target("unix", "")]).any_stdout().run();
    assert_eq!(record(&output).address.as_deref(), path.to_str());
    health_wait().arg(target("http+unix", ":/health?full=1")).run();
    health_wait().arg(target("http+unix", "")).run();
    let heads = serving.join().expect("the server does not panic");
    assert!(
        heads[0].starts_with("GET /health?full=1 HTTP/1.1\r\n") && heads[0].contains("host: localhost\r\n"),
        "{heads:?}"
    );
    assert!(heads[1].starts_with("GET / HTTP/1.1\r\n"), "{heads:?}");
    // the file is still there, its server is not
    health_wait()
        .args(["--once", &target("unix", "")])
        .status(1)
        .stderr(format!("health-wait: {} is not healthy: connection refused\n", target("unix", "")))
        .run();
}

#[test]
fn a_file_is_waited_for_until_it_exists() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ready");
    let target = format!("file:{}", path.display());
    let mut waits = health_wait().args(["--json", &target]).spawn();
    let mut said = BufReader::new(waits.stderr.take().expect("stderr is a pipe")).lines();
    let first = said.next().expect("it says what it waits for").expect("text");
    assert_eq!(first, format!("waiting for {target}: no such file"));
    fs::write(path, "").expect("a file");
    let mut line = String::new();
    waits.stdout.take().expect("stdout is a pipe").read_to_string(&mut line).expect("text");
    assert!(waits.wait().expect("it ended").success());
    let record: Record = serde_json::from_str(&line).expect("one record");
    assert_eq!((record.healthy, record.address, record.status), (true, None, None));
    assert_eq!(record.last_error.as_deref(), Some("no such file"));
}

#[test]
fn a_process_that_runs_is_healthy_and_one_that_ended_is_not() {
    let mut server = Fixture::start(["serve", "127.0.0.1:0"]);
    let target = format!("pid:{}", server.pid());
    health_wait().args(["--once", &target]).run();
    server.child().kill().expect("the child is ours");
    // a zombie has ended, too
    eventually("the end of the server", || !crate::support::runs(server.pid()));
    health_wait()
        .args(["--once", &target])
        .status(1)
        .stderr(format!(
            "health-wait: {target} is not healthy: it has ended, and its parent has not taken note of that\n"
        ))
        .run();
    health_wait().args(["--once", "--down", &target]).run();
    server.wait();
    health_wait()
        .args(["--once", &target])
        .status(1)
        .stderr(format!("health-wait: {target} is not healthy: no such process\n"))
        .run();
}

#[test]
fn a_process_that_is_not_there_ends_the_wait_at_once_unless_another_target_is_enough() {
    let mut server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (gone, port) = ("pid:2147483646", format!(":{}", server.port()));
    let never = format!("health-wait: {gone} never becomes healthy: no such process\n");
    health_wait().args(["-q", "--timeout", "60s", &port, gone]).status(3).stderr(&*never).run();
    health_wait().args(["-q", "--any", "--timeout", "60s", gone, &port]).run();
    health_wait().args(["-q", "--any", "--timeout", "60s", gone, "pid:2147483645"]).status(3).stderr(never).run();
    health_wait().args(["-q", "--down", gone]).run();
    // and one that ends while it is to stay alive
    let target = format!("pid:{}", server.pid());
    let wait = health_wait().args(["-q", "--stable", "60s", "--timeout", "0", &target]).any_stderr().spawn();
    server.child().kill().expect("the child is ours");
    server.wait();
    let ended = wait.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.starts_with(&format!("health-wait: {target} never becomes healthy: ")), "{said}");
}

#[test]
fn a_port_is_free_when_nobody_holds_it_on_any_address() {
    for held_on in ["127.0.0.1", "[::1]", "0.0.0.0", "127.0.0.2"] {
        let listener = TcpListener::bind(format!("{held_on}:0")).expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let shown = held_on.trim_matches(['[', ']']).replace("0.0.0.0", "every address");
        let said = format!("health-wait: port-free:{port} is not healthy: tcp port {port} is held on {shown}\n");
        health_wait().args(["--once", &format!("port-free:{port}")]).status(1).stderr(said).run();
        let releases = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(listener);
        });
        health_wait().args(["-q", &format!("port-free:{port}/tcp")]).run();
        releases.join().expect("the port was given back");
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("it is bound").port();
    health_wait().args(["--once", "-q", &format!("port-free:{port}/udp")]).status(1).run();
    health_wait().args(["--once", &format!("port-free:{port}/tcp")]).run();
}

#[test]
fn a_port_is_not_free_while_something_else_than_a_listener_keeps_a_server_from_it() {
    let peer = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let (bound, used) = (free_port(), free_port());
    let loading = Fixture::start(["hold", "bound", &format!("127.0.0.1:{bound}")]);
    let client = Fixture::start(["hold", "connected", &format!("127.0.0.1:{used}"), &peer.address().to_string()]);
    for (port, what, pid) in [(bound, "a bound socket", loading.pid()), (used, "a connection", client.pid())] {
        let reason = format!("nobody listens on port {port}, but {what} of fixture ({pid}) uses it");
        let said = format!("health-wait: port-free:{port} is not healthy: {reason}\n");
        health_wait().args(["--once", &format!("port-free:{port}")]).status(1).stderr(said).run();
        health_wait().args(["--once", &format!("port-free:127.0.0.3:{port}")]).run();
    }
    let releases = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        drop(loading);
    });
    health_wait().args(["-q", &format!("port-free:{bound}")]).run();
    releases.join().expect("the port was given back");
}

#[test]
fn what_lingers_behind_a_server_leaves_its_port_free() {
    for how in ["left-over", "lingering"] {
        let port = free_port();
        let _server = Fixture::start(["hold", how, &format!("127.0.0.1:{port}")]);
        health_wait().args(["--once", &format!("port-free:{port}")]).run();
    }
}

#[test]
fn all_targets_must_be_healthy_and_any_one_with_any() {
    let server = Server::answering("200 OK", "");
    let (up, down) = (format!(":{}", server.port()), format!(":{}", free_port()));
    health_wait().args(["--once", &up, &up]).run();
    health_wait()
        .args(["--once", &up, &down])
        .status(1)
        .stderr(format!("health-wait: {down} is not healthy: connection refused\n"))
        .run();
    health_wait().args(["--once", "--any", &down, &up]).run();
    let output = health_wait().args(["--any", "--json", &down, &up]).any_stdout().any_stderr().run();
    let found: Vec<_> = records(&output).into_iter().map(|record| (record.target, record.healthy)).collect();
    assert_eq!(found, [(down.clone(), false), (up.clone(), true)]);
    let output =
        health_wait().args(["--timeout=200ms", "--json", &up, &down]).status(124).any_stdout().any_stderr().run();
    let found: Vec<_> = records(&output).into_iter().map(|record| (record.target, record.healthy)).collect();
    assert_eq!(found, [(up, true), (down.clone(), false)]);
    let last = output.stderr.lines().last().expect("it says why");
    assert!(
        last.starts_with(&format!("health-wait: {down} is not healthy after 0.2"))
            && last.ends_with(": connection refused"),
        "{last}"
    );
}

#[test]
fn several_answers_in_a_row_can_be_asked_for() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    // up, down, then up for good
    let server = Server::replying("127.0.0.1:0", move |_| {
        let answers = ["200 OK", "503 Service Unavailable"];
        let seen = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        answer(answers[usize::from(seen == 1)], "")
    });
    let output = health_wait().args(["--consecutive=3", "--json", &server.url("/")]).any_stdout().any_stderr().run();
    assert_eq!(record(&output).attempts, 5, "{}", output.stdout);
    assert!(output.stderr.contains("answers 200 OK, 2 of 3 in a row\n"), "{}", output.stderr);
}

#[test]
fn a_port_of_this_machine_may_be_named_in_every_usual_way() {
    let server = Server::answering("200 OK", "");
    let port = server.port();
    for target in
        [format!("{port}"), format!("tcp:{port}"), format!("tcp:localhost:{port}"), format!("tcp:127.0.0.1:{port}")]
    {
        health_wait().args(["--once", &target]).run();
    }
}

#[test]
fn a_command_that_succeeds_is_healthy() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ready");
    let target = format!("exec:test -e '{}' || {{ echo not yet; echo; exit 7; }}", file.display());
    let said = format!("health-wait: {target} is not healthy: ended with status 7: \"not yet\"\n");
    health_wait().args(["--once", &target]).status(1).stderr(said).run();
    health_wait().args(["--once", "--down", &target]).run();
    let writes = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        fs::write(file, "").expect("a file");
    });
    health_wait().args(["-q", &target]).run();
    writes.join().expect("a file was written");
    // a background process that keeps the output open is not waited for
    health_wait().args(["--once", "exec:sleep 5 & exit 0"]).run();
    health_wait().args(["--once", "exec:yes | head -c 1000000; true"]).run();
    let said = "health-wait: exec:kill -9 $PPID is not healthy: was killed\n";
    health_wait().args(["--once", "exec:kill -9 $PPID"]).status(1).stderr(said).run();
}

#[test]
fn a_command_that_takes_too_long_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let target = format!("exec:sleep 60 & echo $! > '{}'; wait", file.display());
    let said = format!("health-wait: {target} is not healthy: no answer within 300 ms\n");
    health_wait().args(["--once", "--attempt-timeout=300ms", &target]).status(1).stderr(said).run();
    let pid: u32 = fs::read_to_string(file).expect("it ran").trim().parse().expect("a PID");
    eventually("what it started ends", || proc_tree::Identity::of(pid).expect("a look").is_none());
}

#[test]
fn a_signal_ends_the_command_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pid");
    let target = format!("exec:sleep 60 & echo $! > '{0}.new'; mv '{0}.new' '{0}'; wait", file.display());
    let mut run = health_wait().args(["--attempt-timeout=0", &target]).spawn();
    eventually("it runs", || file.exists());
    let pid: u32 = fs::read_to_string(file).expect("it ran").trim().parse().expect("a PID");
    let own = proc_tree::Identity::of(run.id()).expect("a look").expect("it waits");
    proc_tree::handle::signal(own, proc_tree::Signal::TERM).expect("a signal");
    let status = run.wait().expect("it ends");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    eventually("what it started ends", || proc_tree::Identity::of(pid).expect("a look").is_none());
}

#[test]
fn what_is_to_be_stable_is_believed_when_it_was_so_for_long_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("growing");
    fs::write(&file, "1").expect("a file");
    let growing = file.clone();
    let writes = thread::spawn(move || {
        for _ in 0..8 {
            thread::sleep(Duration::from_millis(50));
            let mut file = fs::OpenOptions::new().append(true).open(&growing).expect("a file");
            std::io::Write::write_all(&mut file, b"x").expect("a write");
        }
    });
    let began = Instant::now();
    let target = format!("file:{}", file.display());
    let output = health_wait().args(["--stable=200ms", "--json", &target]).any_stdout().any_stderr().run();
    let took = began.elapsed();
    writes.join().expect("it was written");
    assert_eq!(fs::read(&file).expect("a file").len(), 9, "it returned while it grew");
    assert!(took >= Duration::from_millis(600), "{took:?}");
    assert!(output.stderr.starts_with(&format!("waiting for {target}: exists, not yet for ")), "{}", output.stderr);
    let server = Server::answering("200 OK", "");
    let began = Instant::now();
    let output = health_wait().args(["--stable=300ms", &server.url("/")]).any_stderr().run();
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(output.stderr.contains("answers 200 OK, not yet for 300 ms\n"), "{}", output.stderr);
    health_wait().args(["--stable=1s", "--once", &server.url("/")]).status(2).any_stderr().run();
}
