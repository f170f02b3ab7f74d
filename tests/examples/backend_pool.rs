//! A pool of backends that share a range of ports.

use std::{net::TcpStream, process::Stdio};

use nix::sys::signal::Signal;

use crate::{
    SetUp,
    site::send,
    support::{Terminal, eventually, free_ports},
};

const SIZE: u16 = 10;

/// The pool, and its first port.
fn set_up() -> Option<(SetUp, u16)> {
    let first = free_ports(SIZE);
    let set_up = SetUp::copy("backend-pool", &["python3"])?;
    Some((set_up.with("POOL", &format!("{first}-{}", first + SIZE - 1)), first))
}

#[test]
fn a_pool_is_listed_filled_and_emptied_by_port_and_by_pattern() {
    let Some((set_up, first)) = set_up() else { return };
    set_up.plays_its_readme(&[("8000", first)]);
}

#[test]
fn a_backend_goes_with_an_owner_that_was_killed() {
    let Some((set_up, first)) = set_up() else { return };
    let job = "./pool add mine $$ >added; read forever";
    let mut job = set_up.shell(job).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell runs");
    eventually("a backend", || set_up.path("added").metadata().is_ok_and(|added| added.len() > 0));
    assert_eq!(set_up.read("added").trim(), first.to_string());
    send(job.id(), Signal::SIGKILL);
    job.wait().expect("it can be waited for");
    set_up.stdout(&format!("health-wait --quiet port-free:{first}"));
    assert!(set_up.stdout(&format!("ensure-up --status {first} || true")).contains("its owner (pid "));
}

#[test]
fn who_is_connected_to_a_pool_and_what_it_uses_is_seen_live() {
    let Some((set_up, first)) = set_up() else { return };
    set_up.stdout("./pool add tiny");
    let client = TcpStream::connect(("127.0.0.1", first)).expect("it listens");
    let own = client.local_addr().expect("a connection has two ends").port();
    let shown = set_up.stdout("./pool connections");
    let row = format!("127.0.0.1:{first}");
    let is_client = |line: &&str| line.contains(&row) && line.trim_start().starts_with(&own.to_string());
    assert!(shown.lines().any(|line| is_client(&line) && line.contains(&std::process::id().to_string())), "{shown}");

    let mut screen = Terminal::start(&mut set_up.shell("./pool watch"), 100, 20);
    screen.shows("q ends");
    screen.types("q");
    assert!(screen.end().0.success());
    assert!(set_up.stderr("set -e; ./pool stop; ./pool stop", 0).contains("nothing was listening"));
}
