//! Every holder, and nobody who is none.

use std::{collections::HashSet, net::UdpSocket};

use crate::{
    lines, pids, port_who, records,
    support::{Fixture, eventually},
};

#[test]
fn a_free_port_is_status_one_and_silence() {
    let port = crate::support::free_port().to_string();
    for format in [&[][..], &["--json"], &["--table"], &["--pids"]] {
        port_who().arg(&port).args(format).status(1).run();
    }
}

#[test]
fn a_port_in_use_prints_the_pid_of_its_server() {
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    for port in
        [format!("{}", server.port()), format!(":{}", server.port()), format!("127.0.0.1:{}/tcp", server.port())]
    {
        port_who().arg(port).stdout(lines(&[server.pid()])).run();
    }
}

#[test]
fn all_forked_workers_hold_their_parents_socket() {
    let server = Fixture::start(["serve", "--forks", "3", "127.0.0.1:0"]);
    assert_eq!(server.pids().len(), 4);
    let records = records(&[&server.port().to_string()]);
    assert_eq!(pids(&records), server.pids());
    assert!(records.iter().all(|record| record.inode == records[0].inode), "they share one socket");
    port_who().arg(server.port().to_string()).stdout(lines(&server.pids())).run();
}

#[test]
fn all_reuseport_siblings_hold_the_port() {
    let server = Fixture::start(["serve", "--reuseport", "2", "127.0.0.1:0"]);
    let mut found = Vec::new();
    // the siblings bind after their parent has said that it is ready
    eventually("a socket of each sibling's own", || {
        found = records(&[&server.port().to_string()]);
        found.iter().map(|record| record.inode).collect::<HashSet<_>>().len() == 3
    });
    assert_eq!(pids(&found), server.pids());
}

#[test]
fn each_kind_of_address_is_found_and_named() {
    for (address, shown) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("127.0.0.2:0", "127.0.0.2"),
        ("0.0.0.0:0", "0.0.0.0"),
        ("[::1]:0", "::1"),
        ("[::]:0", "::"),
    ] {
        let server = Fixture::start(["hold", "tcp", address]);
        let records = records(&[&server.port().to_string()]);
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!((records[0].address.as_str(), records[0].pid), (shown, Some(server.pid())));
    }
}

#[test]
fn a_dual_stack_listener_holds_an_ipv4_address_and_an_ipv6_only_one_does_not() {
    let dual = Fixture::start(["hold", "tcp", "[::]:0"]);
    port_who().arg(format!("127.0.0.1:{}", dual.port())).stdout(lines(&[dual.pid()])).run();
    let v6only = Fixture::start(["hold", "v6only", "0"]);
    port_who().arg(format!("127.0.0.1:{}", v6only.port())).status(1).run();
    port_who().arg(format!("[::1]:{}", v6only.port())).stdout(lines(&[v6only.pid()])).run();
}

#[test]
fn an_address_narrows_a_port_that_several_share() {
    let first = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let second = Fixture::start(["hold", "tcp", &format!("127.0.0.2:{}", first.port())]);
    port_who().arg(format!("127.0.0.2:{}", first.port())).stdout(lines(&[second.pid()])).run();
    port_who().arg(format!("127.0.0.3:{}", first.port())).status(1).run();
    let mut both = [first.pid(), second.pid()];
    both.sort_unstable();
    port_who().arg(first.port().to_string()).stdout(lines(&both)).run();
}

#[test]
fn families_and_protocols_can_be_chosen() {
    let v4 = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let port = v4.port().to_string();
    let v6 = Fixture::start(["hold", "tcp", &format!("[::1]:{port}")]);
    let udp = Fixture::start(["hold", "udp", &format!("127.0.0.1:{port}")]);
    port_who().args(["-4", "--tcp", &port]).stdout(lines(&[v4.pid()])).run();
    port_who().args(["-6", &port]).stdout(lines(&[v6.pid()])).run();
    port_who().args(["--udp", &port]).stdout(lines(&[udp.pid()])).run();
    port_who().arg(format!("{port}/udp")).stdout(lines(&[udp.pid()])).run();
    port_who().args(["--tcp", &format!("{port}/udp")]).status(1).run();
    let records = records(&["--tcp", "--udp", "-4", "-6", &port]);
    assert_eq!(records.len(), 3);
}

#[test]
fn a_bound_udp_socket_is_a_holder_and_a_connected_one_is_not() {
    let bound = Fixture::start(["hold", "udp", "127.0.0.1:0"]);
    let found = records(&[&bound.port().to_string()]);
    assert_eq!(
        (found[0].protocol.as_str(), found[0].state.as_str(), found[0].pid),
        ("udp", "bound", Some(bound.pid()))
    );
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let peer = peer.local_addr().expect("it is bound").to_string();
    let connected = Fixture::start(["hold", "udp-connected", &peer]);
    port_who().arg(connected.port().to_string()).status(1).any_stderr().run();
    let connections = records(&["--connections", &format!("{}/udp", connected.port())]);
    assert_eq!((connections[0].state.as_str(), connections[0].peer.as_deref()), ("established", Some(peer.as_str())));
}

#[test]
fn a_client_of_the_port_is_listed_with_its_peer_only_when_connections_are_asked_for() {
    let server = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let client = Fixture::start(["hold", "client", &server.address().to_string()]);
    port_who().arg(&port).stdout(lines(&[server.pid()])).run();
    port_who().arg(client.port().to_string()).status(1).any_stderr().run();

    let records = records(&["--connections", &port]);
    let of_client = records.iter().find(|record| record.pid == Some(client.pid())).expect("the client is there");
    assert_eq!(of_client.state, "established");
    assert_eq!(
        (of_client.port, of_client.peer.as_deref()),
        (client.port(), Some(server.address().to_string().as_str()))
    );
    assert!(records.iter().any(|record| record.state == "listen" && record.pid == Some(server.pid())));
    let peers: Vec<_> = records.iter().filter_map(|record| record.peer.as_deref()).collect();
    assert!(peers.contains(&client.address().to_string().as_str()), "the server's end of it too: {peers:?}");
}

#[test]
fn a_server_whose_main_thread_has_exited_still_holds_its_port() {
    let server = Fixture::start(["hold", "leaderless", "127.0.0.1:0"]);
    port_who().arg(server.port().to_string()).stdout(lines(&[server.pid()])).run();
}

#[test]
fn a_socket_that_was_handed_to_another_process_is_held_by_that_one_alone() {
    let giver = Fixture::start(["hold", "handed-over", "127.0.0.1:0"]);
    let taker: Vec<u32> = giver.pids().into_iter().filter(|&pid| pid != giver.pid()).collect();
    port_who().arg(giver.port().to_string()).stdout(lines(&taker)).run();
}

#[test]
fn a_list_and_a_range_of_a_hundred_ports_are_found_in_one_go() {
    let server = Fixture::start(["hold", "range", "100"]);
    let first = server.port();
    let found = records(&[&format!("{first}-{}", first + 99)]);
    let ports: Vec<u16> = found.iter().map(|record| record.port).collect();
    assert_eq!(ports, (first..first + 100).collect::<Vec<_>>(), "in order");
    assert_eq!(pids(&found), [server.pid()]);
    let some = records(&[&format!("{first},{}-{}", first + 5, first + 7), &format!(":{}", first + 50)]);
    let ports: Vec<u16> = some.iter().map(|record| record.port).collect();
    assert_eq!(ports, [first, first + 5, first + 6, first + 7, first + 50]);
    let beyond = records(&[&format!("{}-{}", first + 98, first + 99), &format!("{first}")]);
    assert_eq!(beyond.len(), 3, "just above the range and just below it is nobody's");
}

#[test]
fn more_ranges_than_the_kernel_filters_are_filtered_all_the_same() {
    let server = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let port = server.port();
    let alike: Vec<String> = (1..=u16::MAX).filter(|one| one % 2 == port % 2).map(|one| one.to_string()).collect();
    let lists: Vec<String> = alike.chunks(5000).map(|ports| ports.join(",")).collect();
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let output = port_who().arg("--json").args(lists).any_stdout().any_stderr().run();
    let found: Vec<crate::Record> = crate::decode(&output.stdout);
    assert!(found.iter().all(|record| record.port % 2 == port % 2));
    assert!(found.iter().any(|record| record.port == port && record.pid == Some(server.pid())));
}

#[test]
fn without_a_port_every_listener_is_listed() {
    let server = Fixture::start(["hold", "tcp", "127.0.0.1:0", "[::1]:0"]);
    let udp = Fixture::start(["hold", "udp", "127.0.0.1:0"]);
    let output = port_who().arg("--json").any_stdout().any_stderr().run();
    let records: Vec<crate::Record> = crate::decode(&output.stdout);
    let ports = |pid| records.iter().filter(|record| record.pid == Some(pid)).count();
    assert_eq!((ports(server.pid()), ports(udp.pid())), (2, 1));
    assert!(records.iter().all(|record| matches!(record.state.as_str(), "listen" | "bound")), "no clients");
    assert!(records.is_sorted_by_key(|record| record.port));
}

#[test]
fn a_process_that_holds_a_socket_twice_is_listed_once() {
    let server = Fixture::start(["hold", "twice", "127.0.0.1:0"]);
    let port = server.port().to_string();
    assert_eq!(records(&[&port]).len(), 1);
    port_who().arg(&port).stdout(lines(&[server.pid()])).run();
}
