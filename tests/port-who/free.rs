//! Ports that nobody holds and that can be bound.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use crate::{
    BINARY, port_who,
    support::{
        Fixture, NOBODY, Tool, eventually, fixture_path, free_port, free_ports, installed, is_root_or_skipped, skipped,
    },
};

#[test]
fn the_first_free_ports_are_printed_in_the_order_they_were_asked_for() {
    let server = Fixture::start(["hold", "gaps", "31200"]);
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
    let server = Fixture::start(["hold", "gaps", "31800"]);
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
fn a_port_that_is_held_on_another_address_is_told() {
    let port = free_port();
    let server = Fixture::start(["hold", "tcp", &format!("127.0.0.1:{port}")]);
    for any in ["0.0.0.0", "[::]"] {
        let asked = format!("{any}:{port}");
        port_who().args(["--free", &asked]).status(1).run();
        let said = format!("fixture ({}) listens on 127.0.0.1", server.pid());
        let note = format!("note: port {port} is not free on {}: {said}\n", any.trim_matches(['[', ']']));
        port_who().arg(&asked).status(1).stderr(note).run();
    }
}

#[test]
fn an_address_of_a_link_is_tried_on_its_link() {
    let port = free_port();
    let foreign = format!("[fe80::dead:beef]:{port}");
    let hint = "hint: fe80::dead:beef is no address of this machine\n";
    port_who().args(["--free", &foreign]).status(1).stderr(hint).run();
    port_who().arg(&foreign).status(1).run();
    let group = format!("[ff02::1]:{port}/tcp");
    port_who().args(["--free", &group]).status(1).stderr("hint: ff02::1 is no address of this machine\n").run();
    let listed = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let Some(own) = listed.lines().find_map(|line| u128::from_str_radix(line.strip_prefix("fe8")?.get(..29)?, 16).ok())
    else {
        return skipped("no link has an address of its own");
    };
    let own = std::net::Ipv6Addr::from((0xfe8 << 116) | own);
    port_who().args(["--free", &format!("[{own}]:{port}")]).stdout(format!("{port}\n")).run();
}

#[test]
fn what_a_server_left_behind_does_not_keep_the_next_one_from_the_port() {
    for how in ["left-over", "lingering"] {
        let port = free_port();
        let _server = Fixture::start(["hold", how, &format!("127.0.0.1:{port}")]);
        let port = port.to_string();
        port_who().arg(&port).status(1).run();
        port_who().args(["--free", &port]).stdout(format!("{port}\n")).run();
        TcpListener::bind(format!("127.0.0.1:{port}")).expect("the standard library sets SO_REUSEADDR");
    }
}

#[test]
fn a_port_that_is_bound_and_not_listened_on_is_not_free_and_a_note_says_whose_it_is() {
    for address in ["127.0.0.1", "0.0.0.0", "[::1]", "[::]"] {
        let port = free_port();
        let loading = Fixture::start(["hold", "bound", &format!("{address}:{port}")]);
        let pid = loading.pid();
        let note = format!(
            "note: nobody listens on port {port}, but it is not free: a bound socket of fixture ({pid}) uses it\n"
        );
        let port = port.to_string();
        port_who().arg(&port).status(1).stderr(&note).run();
        port_who().args(["--json", &port]).status(1).stderr(note).run();
        port_who().args(["-q", &port]).status(1).run();
        port_who().args(["--free", &port]).status(1).run();
    }
}

#[test]
fn a_port_that_a_connection_was_made_from_is_not_free_and_a_note_says_whose_it_is() {
    for address in ["127.0.0.1", "[::1]"] {
        let server = Fixture::start(["hold", "tcp", &format!("{address}:0")]);
        let port = free_port();
        let client = Fixture::start(["hold", "connected", &format!("{address}:{port}"), &server.address().to_string()]);
        let pid = client.pid();
        let note = format!(
            "note: nobody listens on port {port}, but it is not free: a connection of fixture ({pid}) uses it\n"
        );
        port_who().arg(port.to_string()).status(1).stderr(note).run();
        port_who().args(["--free", &port.to_string()]).status(1).run();
    }
}

#[test]
fn a_udp_port_that_talks_to_one_peer_is_not_free() {
    let peer = Fixture::start(["hold", "udp", "127.0.0.1:0"]);
    let client = Fixture::start(["hold", "udp-connected", &peer.address().to_string()]);
    let (port, pid) = (client.port(), client.pid());
    let user = format!("a connected UDP socket of fixture ({pid}) uses it");
    let note = format!("note: nobody listens on port {port}, but it is not free: {user}\n");
    port_who().arg(format!("{port}/udp")).status(1).stderr(note).run();
    port_who().args(["--free", &format!("{port}/udp")]).status(1).run();
}

#[test]
fn only_what_is_in_the_way_of_the_address_that_is_asked_for_counts() {
    let port = free_port();
    let _other = Fixture::start(["hold", "bound", &format!("127.0.0.2:{port}")]);
    for (spec, is_free) in [
        (format!("127.0.0.1:{port}"), true),
        (format!("[::1]:{port}"), true),
        (format!("{port}/udp"), true),
        (format!("127.0.0.2:{port}"), false),
        (format!("0.0.0.0:{port}"), false),
        (format!("[::]:{port}"), false),
        (port.to_string(), false),
    ] {
        let answer = if is_free { format!("{port}\n") } else { String::new() };
        port_who().args(["--free", &spec]).status(i32::from(!is_free)).stdout(answer).run();
        let output = port_who().arg(&spec).status(1).any_stderr().run();
        assert_eq!(output.stderr.is_empty(), is_free, "{spec}: {}", output.stderr);
    }
    port_who().args(["--free", "-6", &port.to_string()]).stdout(format!("{port}\n")).run();
}

#[test]
fn an_ipv6_listener_that_takes_ipv6_alone_leaves_ipv4_free() {
    let port = free_port();
    let _server = Fixture::start(["hold", "v6only", &port.to_string()]);
    port_who().args(["--free", &format!("127.0.0.1:{port}")]).stdout(format!("{port}\n")).run();
    port_who().args(["--free", "-4", &port.to_string()]).stdout(format!("{port}\n")).run();
    port_who().args(["--free", &port.to_string()]).status(1).run();
}

#[test]
fn of_a_range_the_ports_in_use_are_named_and_the_rest_is_free() {
    let first = free_port();
    let loading = Fixture::start(["hold", "bound", &format!("127.0.0.1:{first}")]);
    let range = format!("{first}-{}", first + 1);
    let output = port_who().arg(&range).status(1).any_stderr().run();
    assert!(output.stderr.contains(&format!("fixture ({})", loading.pid())), "{}", output.stderr);
    let output = port_who().args(["--free=2", &range]).status(1).any_stdout().run();
    assert!(!output.stdout.lines().any(|port| port == first.to_string()), "{}", output.stdout);
}

#[test]
fn of_many_ports_in_use_five_are_named_and_the_others_counted() {
    let first = free_ports(7);
    let addresses = (first..first + 7).map(|port| format!("127.0.0.1:{port}"));
    let loading = Fixture::start(["hold", "bound"].map(str::to_owned).into_iter().chain(addresses));
    let output = port_who().arg(format!("{first}-{}", first + 6)).status(1).any_stderr().run();
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 6, "{}", output.stderr);
    let owner = format!("fixture ({})", loading.pid());
    assert!(lines[..5].iter().all(|line| line.contains(&owner)), "{}", output.stderr);
    assert_eq!(lines[5], "note: nor are 2 more of these ports");
}

#[test]
fn where_the_kernel_lists_no_bound_sockets_a_bind_tells() {
    let port = free_port();
    let _loading = Fixture::start(["hold", "bound", &format!("127.0.0.1:{port}")]);
    let fixture = fixture_path();
    let refused = || Tool::new(&fixture.to_string_lossy()).args(["hold", "without-netlink", BINARY]);
    let user = "a socket that the kernel does not list uses it";
    let note = format!("note: nobody listens on port {port}, but it is not free: {user}\n");
    refused().arg(port.to_string()).status(1).stderr(note).run();
    refused().args(["--free", &port.to_string()]).status(1).run();
    let free = free_port().to_string();
    refused().args(["--free", &free]).stdout(format!("{free}\n")).run();
}

#[test]
fn a_user_that_is_not_visible_is_named_by_its_socket() {
    if !is_root_or_skipped() {
        return;
    }
    let port = free_port();
    let _loading = Fixture::start(["hold", "bound", &format!("127.0.0.1:{port}")]);
    let user = "a bound socket of a process that is not visible to you (user root) uses it";
    let note = format!("note: nobody listens on port {port}, but it is not free: {user}\n");
    port_who().arg(port.to_string()).user(NOBODY).status(1).stderr(note).run();
}

/// A program that is ended with its test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(silent.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn curl_on_a_local_port_is_named() {
    let Some(curl) = installed("curl") else { return };
    // connections are taken by the kernel, and nobody answers
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = free_port();
    let url = format!("http://{}/", silent.local_addr().expect("it is bound"));
    let curl = Running::start(Command::new(curl).args(["-s", "-m", "60", "--local-port", &port.to_string(), &url]));
    let _connection = silent.accept().expect("curl connects");
    let user = format!("a connection of curl ({}) uses it", curl.0.id());
    let note = format!("note: nobody listens on port {port}, but it is not free: {user}\n");
    port_who().arg(port.to_string()).status(1).stderr(note).run();
    port_who().args(["--free", &port.to_string()]).status(1).run();
}

#[test]
fn a_python_http_server_that_closed_first_leaves_its_port_free_for_the_next() {
    let Some(python) = installed("python3") else { return };
    let port = free_port();
    let text = port.to_string();
    let serve = || {
        let mut command = Command::new(&python);
        let server = Running::start(command.args(["-m", "http.server", "--bind", "127.0.0.1", &text]));
        eventually("python listens", || port_who().arg(&text).any_stdout().finish().status.success());
        server
    };
    let server = serve();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    std::io::Write::write_all(&mut stream, b"HEAD / HTTP/1.0\r\n\r\n").expect("it reads");
    std::io::Read::read_to_end(&mut stream, &mut Vec::new()).expect("it answers and closes");
    drop((stream, server));
    let left = port_who().args(["--connections", "--json", &text]).any_stdout().run();
    assert!(left.stdout.contains("\"time_wait\""), "{}", left.stdout);
    port_who().arg(&text).status(1).run();
    port_who().args(["--free", &text]).stdout(format!("{text}\n")).run();
    drop(serve());
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
fn without_ports_it_picks_random_ones_that_the_kernel_does_not_hand_out() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").expect("Linux says it");
    let bounds: Vec<u16> = range.split_whitespace().map(|bound| bound.parse().expect("a port")).collect();
    let ask = || {
        let output = port_who().arg("--free=20").any_stdout().run();
        output.stdout.lines().map(|line| line.parse().expect("a port")).collect::<Vec<u16>>()
    };
    let (one, two) = (ask(), ask());
    for ports in [&one, &two] {
        let mut each = ports.clone();
        each.sort_unstable();
        each.dedup();
        assert_eq!(each.len(), 20, "{ports:?}");
        assert!(ports.iter().all(|port| *port >= 1024 && !(bounds[0]..=bounds[1]).contains(port)), "{ports:?}");
        assert_ne!(*ports, each, "they are in no order");
    }
    assert_ne!(one, two, "two jobs hardly meet");
    let one = port_who().arg("--free").any_stdout().run();
    assert!(one.stdout.trim().parse::<u16>().is_ok(), "{}", one.stdout);
}

#[test]
fn more_than_there_are_without_ports_is_status_one() {
    let output = port_who().arg("--free=65535").status(1).any_stdout().run();
    assert!(output.stdout.lines().count() > 100);
}
