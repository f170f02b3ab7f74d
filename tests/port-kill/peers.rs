//! What users of killport, kill-port, fkill and fuser -k expect, beyond what stands elsewhere here.

use std::net::TcpListener;

use super::{Said, is_free, port_kill};
use crate::support::{Fixture, free_port, runs};

#[test]
fn one_line_frees_a_port_by_every_protocol_and_family_that_it_is_held_by() {
    let port = free_port();
    let mut servers = vec![
        Fixture::start(["serve", &format!("127.0.0.1:{port}")]),
        Fixture::start(["hold", "udp", &format!("127.0.0.1:{port}")]),
    ];
    if std::path::Path::new("/proc/net/if_inet6").exists() {
        servers.push(Fixture::start(["serve", &format!("[::1]:{port}")]));
    }
    let mut pids: Vec<u32> = servers.iter().map(Fixture::pid).collect();
    pids.sort_unstable();
    let said = Said::by(&port_kill().args(["--json", &port.to_string()]).any_stdout().run());
    assert_eq!((said.pids(), said.all_are_free()), (pids, true), "{said:?}");
}

#[test]
fn a_port_whose_digits_stand_in_anothers_is_another_one() {
    let low = free_port();
    let (part, whole) = (low / 10, low);
    let server = Fixture::start(["serve", &format!("127.0.0.1:{whole}")]);
    for text in [part.to_string(), (whole % 10_000).to_string()].iter().filter(|text| *text != "0") {
        let output = port_kill().args(["--dry-run", "--json", text]).any_stdout().any_stderr().finish();
        assert!(!Said::by(&output).pids().contains(&server.pid()), "{text}: {output:?}");
    }
    assert!(runs(server.pid()));
}

#[test]
fn a_port_named_twice_is_one_and_freed_again_it_is_free_already() {
    let server = Fixture::start(["serve", &format!("127.0.0.1:{}", free_port())]);
    let port = server.port().to_string();
    let said = Said::by(&port_kill().args(["--json", &port, &port, &format!("{port}-{port}")]).any_stdout().run());
    assert_eq!((said.pids(), said.ports.len()), (vec![server.pid()], 1), "{said:?}");
    port_kill().arg(&port).stderr(format!("{port}  nothing was listening\n")).run();
    port_kill().args(["--quiet", &port]).run();
    port_kill().args(["--dry-run", &port]).stderr(format!("{port}  nothing was listening\n")).run();
}

#[test]
fn the_next_server_can_have_the_port_as_soon_as_it_returns() {
    let port = free_port();
    for _ in 0..3 {
        let server = Fixture::start(["serve", &format!("127.0.0.1:{port}")]);
        port_kill().arg(port.to_string()).any_stdout().run();
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok() && is_free(port) && !runs(server.pid()));
    }
}

#[test]
fn what_is_no_port_is_status_two_whatever_else_is_named() {
    let server = Fixture::start(["serve", &format!("127.0.0.1:{}", free_port())]);
    for text in ["0", "65536", "99999", "abc", "80,x", "--1"] {
        let output = port_kill().args([&server.port().to_string(), text]).any_stdout().any_stderr().finish();
        assert_eq!((output.status.code(), runs(server.pid())), (Some(2), true), "{text}: {output:?}");
    }
}
