//! Ports that nobody holds and that can be bound.

use crate::{
    port_who,
    support::{Fixture, NOBODY, free_port, is_root_or_skipped},
};

#[test]
fn the_first_free_ports_are_printed_in_the_order_they_were_asked_for() {
    let server = Fixture::start(["hold", "gaps", "20000"]);
    let first = server.port();
    let range = format!("{first}-{}", first + 9);
    port_who().args(["--free", &range]).stdout(format!("{}\n", first + 2)).run();
    port_who().args(["--free=2", &range]).stdout(format!("{}\n{}\n", first + 2, first + 7)).run();
    let backwards = format!("{},{first}-{}", first + 7, first + 9);
    port_who().args(["--free=2", &backwards]).stdout(format!("{}\n{}\n", first + 7, first + 2)).run();
    let json = format!("{{\"port\":{}}}\n", first + 2);
    port_who().args(["--free", "--json", &range]).stdout(json).run();
}

#[test]
fn fewer_than_asked_for_is_status_one_with_those_there_are() {
    let server = Fixture::start(["hold", "gaps", "25000"]);
    let first = server.port();
    let range = format!("{first}-{}", first + 9);
    port_who().args(["--free=3", &range]).status(1).stdout(format!("{}\n{}\n", first + 2, first + 7)).run();
    port_who().args(["--free", &first.to_string()]).status(1).run();
}

#[test]
fn a_port_is_taken_on_any_address_and_by_either_protocol_unless_they_are_named() {
    for address in ["127.0.0.2:0", "[::1]:0", "[::]:0", "0.0.0.0:0"] {
        let server = Fixture::start(["hold", "tcp", address]);
        port_who().args(["--free", &server.port().to_string()]).status(1).run();
    }
    let port = free_port();
    let _udp = Fixture::start(["hold", "udp", &format!("127.0.0.1:{port}")]);
    port_who().args(["--free", &port.to_string()]).status(1).run();
    port_who().args(["--free", &format!("{port}/udp")]).status(1).run();
    port_who().args(["--free", &format!("{port}/tcp")]).stdout(format!("{port}\n")).run();
    let port = free_port();
    let _tcp = Fixture::start(["hold", "tcp", &format!("127.0.0.2:{port}")]);
    port_who().args(["--free", &format!("127.0.0.1:{port}")]).stdout(format!("{port}\n")).run();
}

#[test]
fn a_port_with_a_connection_left_over_cannot_be_bound_now() {
    let server = Fixture::start(["hold", "left-over", "127.0.0.1:0"]);
    let port = server.port().to_string();
    port_who().arg(&port).status(1).run(); // nobody listens any more
    port_who().args(["--free", &port]).status(1).run();
}

#[test]
fn an_address_of_another_machine_is_never_free_here() {
    let hint = "hint: 192.0.2.1 is no address of this machine\n";
    port_who().args(["--free", "192.0.2.1:8000-8002"]).status(1).stderr(hint).run();
}

#[test]
fn a_port_that_only_root_may_bind_is_not_free_for_others() {
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if !is_root_or_skipped() || first.trim() != "1024" {
        return;
    }
    let output = port_who().args(["--free=3", "1-1023"]).user(NOBODY).status(1).any_stderr().run();
    let said = output.stderr;
    assert!(said.starts_with("hint: port ") && said.ends_with(" is free, but only root may bind it\n"), "{said}");
}

#[test]
fn without_ports_it_looks_from_1024_up() {
    let output = port_who().arg("--free=2").any_stdout().run();
    let ports: Vec<u16> = output.stdout.lines().map(|line| line.parse().expect("a port")).collect();
    assert!(ports.len() == 2 && ports[0] >= 1024 && ports[1] > ports[0], "{ports:?}");
}
