//! Any number of simultaneous callers start one server, and none returns before it is ready.

use std::{net::TcpStream, sync::Barrier, thread};

use crate::{
    site::{Line, Site, line},
    support::{Tool, free_ports},
};

/// Runs them all at once, and connects to where each one says that its server is as soon as it returns.
fn all_at_once(count: usize, tool: impl Fn(usize) -> Tool + Sync) -> Vec<Line> {
    let start = Barrier::new(count);
    let one = |number: usize| {
        let tool = tool(number);
        start.wait();
        let line = line(&tool.run());
        let port = line.port.expect("a server that is up has a port");
        TcpStream::connect(("127.0.0.1", port)).unwrap_or_else(|error| panic!("not ready: {error}: {line:?}"));
        line
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..count).map(|number| scope.spawn(move || one(number))).collect();
        callers.into_iter().map(|caller| caller.join().expect("status 0, and ready")).collect()
    })
}

/// One server, one `started`, the same PID for all.
fn are_one(site: &Site, lines: &[Line]) {
    let [pid] = site.started()[..] else { panic!("one server: {:?}", site.started()) };
    let actions = |which: &[&str]| lines.iter().filter(|line| which.contains(&line.action.as_str())).count();
    assert_eq!((actions(&["started"]), actions(&["joined", "reused"])), (1, lines.len() - 1));
    assert!(lines.iter().all(|line| line.pid == Some(pid) && line.healthy), "{lines:?}");
}

fn with_json(tool: Tool) -> Tool {
    tool.any_stdout().any_stderr()
}

#[test]
fn two_callers_start_one_server() {
    let site = Site::new();
    let server = site.server(&["--delay", "300"]);
    are_one(&site, &all_at_once(2, |_| site.run(&["--json"], &server)));
}

#[test]
fn twenty_callers_start_one_server_that_needs_a_second_to_bind() {
    let site = Site::new();
    let server = site.server(&["--delay", "1000"]);
    let lines = all_at_once(20, |_| site.run(&["--json"], &server));
    are_one(&site, &lines);
    assert!(lines.iter().any(|line| line.action == "joined"), "{lines:?}");
}

#[test]
fn fifty_callers_start_one_server_that_is_unhealthy_for_half_a_second() {
    let site = Site::new();
    let server = site.server(&["--delay", "300", "--not-ready", "500"]);
    let lines = all_at_once(50, |_| site.run(&["--json", "--health", "/"], &server));
    are_one(&site, &lines);
    assert!(site.get().starts_with("HTTP/1.1 200"));
}

#[test]
fn fifty_callers_with_a_range_and_free_choice_start_one_server() {
    let site = Site::new();
    let first = free_ports(10);
    let taken = crate::support::Fixture::start(["serve", &format!("127.0.0.1:{first}")]);
    let range = format!("{first}-{}", first + 9);
    let server = site.server(&["--delay", "1000"]);
    let lines =
        all_at_once(50, |_| with_json(site.bare()).args(["--json", "--port", &range, "--"]).args(server.iter()));
    are_one(&site, &lines);
    assert!(lines.iter().all(|line| line.port == Some(first + 1)), "{lines:?}");
    drop(taken);
}

#[test]
fn callers_for_different_ports_do_not_wait_for_each_other() {
    let site = Site::new();
    let first = free_ports(4);
    let server = site.server(&["--delay", "400"]);
    let lines = all_at_once(4, |number| {
        let port = first + u16::try_from(number).expect("a small number");
        with_json(site.bare()).args(["--json", "--port", &port.to_string(), "--"]).args(server.iter())
    });
    assert_eq!(site.alive().len(), 4);
    assert!(lines.iter().all(|line| line.action == "started"), "{lines:?}");
}

#[test]
fn callers_with_different_commands_for_a_range_get_a_server_each() {
    let site = Site::new();
    let first = free_ports(10);
    let range = format!("{first}-{}", first + 9);
    let bodies = ["a", "b", "c"];
    let lines = all_at_once(6, |number| {
        let server = site.server(&["--delay", "100", "--body", bodies[number % 3]]);
        with_json(site.bare()).args(["--json", "--port", &range, "--"]).args(server)
    });
    let mut ports: Vec<_> = lines.iter().map(|line| line.port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!((ports.len(), site.alive().len()), (3, 3), "{lines:?}");
}

#[test]
fn one_that_waits_for_another_start_gives_up_at_its_own_deadline() {
    let site = Site::new();
    let server = site.server(&["--delay", "60000"]);
    let mut first = site.run(&[], &server).spawn();
    crate::support::eventually("the server", || !site.started().is_empty());
    let output = site.run(&["--timeout", "200ms"], &server).status(124).run();
    assert!(
        output.stderr.contains(&format!("another ensure-up (pid {}) is still starting it", first.id())),
        "{}",
        output.stderr
    );
    assert!(first.try_wait().unwrap().is_none(), "the first goes on");
    assert_eq!(site.alive().len(), 1);
    first.kill().and_then(|()| first.wait()).unwrap();
}

#[test]
fn when_a_start_fails_the_next_in_line_tries_itself() {
    let site = Site::new();
    // ends unless it is the third one
    let script = "echo x >> tries; test $(wc -l < tries) -ge 3 && exec \"$0\" \"$@\"; sleep 0.1; exit 1";
    let command = crate::site::shell(script, &site.server(&[]));
    let mut children: Vec<_> = (0..4).map(|_| site.run(&[], &command).spawn()).collect();
    let mut codes: Vec<_> = children.iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 3, 3]);
    assert_eq!(site.alive().len(), 1);
}
