//! Servers of UDP: one that is bound is up.

use std::net::UdpSocket;

use crate::{
    site::{Site, fixture, line},
    support::{Tool, records},
};

/// Prepares a call for a server of datagrams on the site's number.
fn call(site: &Site, options: &[&str]) -> Tool {
    let fixture = fixture();
    let command = [&fixture, "hold", "udp", "127.0.0.1:{port}"];
    let tool = site.bare().args(["--port", &format!("{}/udp", site.port)]).args(options);
    tool.arg("--").args(command).any_stdout().any_stderr()
}

#[test]
fn a_server_of_datagrams_is_up_when_it_is_bound() {
    let site = Site::new();
    let first = line(&call(&site, &["--json"]).run());
    assert_eq!((first.action.as_str(), first.port), ("started", Some(site.port)));
    assert_eq!(first.url.as_deref(), Some(format!("udp://localhost:{}", site.port).as_str()));
    assert_eq!(first.pids, [first.pid.expect("a PID")]);
    assert!(UdpSocket::bind(("127.0.0.1", site.port)).is_err(), "nobody is bound");
    assert_eq!(line(&call(&site, &["--json"]).run()).action, "reused");
    let status = records(&site.bare().args(["--status", "--json"]).any_stdout().run().stdout);
    assert!(status[0]["healthy"] == true && status[0]["port"] == site.port, "{status:?}");
    assert!(site.bare().arg("--status").any_stdout().run().stdout.contains(&format!("{}/udp", site.port)));
    site.bare().args(["--stop", &site.port.to_string()]).any_stderr().run();
    assert!(site.processes().is_empty() && UdpSocket::bind(("127.0.0.1", site.port)).is_ok());
}

#[test]
fn a_port_is_the_same_in_every_way_that_it_is_written() {
    let site = Site::new();
    let listed = |words: &[String], status: i32| {
        for word in words {
            let listed =
                records(&site.bare().args(["--status", "--json", word]).status(status).any_stdout().run().stdout);
            assert!(listed.len() == 1 && listed[0]["port"] == site.port, "{word}: {listed:?}");
        }
    };
    let number = site.port;
    call(&site, &[]).run();
    listed(&[format!("{number}"), format!(":{number}"), format!("{number}/udp")], 0);
    site.bare().args(["--stop", &format!(":{number}")]).any_stderr().run();
    let file = format!("[web]\ncommand = \"exec sleep 60\"\nport = {number}\n");
    std::fs::write(site.path("ensure-up.toml"), file).expect("it can be written");
    listed(&[format!("{number}/tcp"), format!(":{number}")], 1);
}

#[test]
fn another_program_that_is_bound_is_told() {
    let site = Site::new();
    let taken = UdpSocket::bind(("127.0.0.1", site.port)).expect("nobody has it");
    let said = call(&site, &["--timeout", "5s"]).status(4).run().stderr;
    assert!(said.contains(&format!("port {}/udp is held by another program", site.port)), "{said}");
    assert!(said.contains(&format!("port-kill {}/udp frees it", site.port)), "{said}");
    drop(taken);
    call(&site, &[]).run();
}

#[test]
fn a_server_of_each_protocol_may_have_the_same_number() {
    let site = Site::new();
    let stream = line(&site.run(&["--json"], &site.server(&[])).run());
    let datagram = line(&call(&site, &["--json"]).run());
    assert_ne!(stream.pid, datagram.pid);
    let udp = format!("{}/udp", site.port);
    site.bare().args(["--stop", &udp]).any_stderr().run();
    assert_eq!(site.alive().len(), 1, "that of TCP is left");
    let again = line(&call(&site, &["--json"]).run());
    site.bare().args(["--stop", &site.port.to_string()]).any_stderr().run();
    assert!(crate::support::runs(again.pid.expect("a PID")) && site.alive().is_empty(), "a number alone is TCP's");
}

#[test]
fn in_a_range_a_port_that_is_bound_is_passed_over() {
    let site = Site::with_ports(3);
    let _taken = UdpSocket::bind(("127.0.0.1", site.port)).expect("nobody has it");
    let range = format!("{}-{}/udp", site.port, site.port + 2);
    let fixture = fixture();
    let call = || {
        let tool = site.bare().args(["--json", "--port", &range, "--", &fixture, "hold", "udp", "127.0.0.1:{port}"]);
        line(&tool.any_stdout().any_stderr().run())
    };
    assert_eq!((call().port, call().action.as_str()), (Some(site.port + 1), "reused"));
}
