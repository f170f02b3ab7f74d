//! Servers in all their shapes: on odd addresses, behind wrappers, as daemons.

use std::{net::TcpListener, net::UdpSocket};

use crate::{
    site::{Site, fixture, line, shell},
    support::{runs, skipped},
};

#[test]
fn a_server_on_ipv6_loopback_only_is_up_and_is_reused() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return skipped("no IPv6");
    }
    let site = Site::new();
    let server = site.server_at(&["--delay", "100"], "[::1]:{port}");
    let first = site.line(&["--health", "/"], &server);
    assert_eq!((first.action.as_str(), first.url), ("started", Some(format!("http://localhost:{}", site.port))));
    assert_eq!(site.line(&["--health", "/"], &server).action, "reused");
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_stranger_on_ipv6_loopback_only_is_foreign() {
    if UdpSocket::bind("[::1]:0").is_err() {
        return skipped("no IPv6");
    }
    let site = Site::new();
    let _stranger = crate::support::Fixture::start(["serve", &format!("[::1]:{}", site.port)]);
    site.serve(&[]).status(4).run();
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_on_another_loopback_address_is_up_and_is_reused() {
    let site = Site::new();
    let server = site.server_at(&[], "127.0.0.2:{port}");
    let first = site.line(&["--health", "/"], &server);
    assert_eq!((first.action.as_str(), first.url), ("started", Some(format!("http://127.0.0.2:{}", site.port))));
    assert_eq!(site.line(&[], &server).action, "reused");
}

#[test]
fn a_server_on_every_address_is_asked_on_loopback() {
    let site = Site::new();
    let server = site.server_at(&[], "0.0.0.0:{port}");
    let first = site.line(&["--health", "/x"], &server);
    assert_eq!(first.url, Some(format!("http://localhost:{}", site.port)));
}

#[test]
fn health_may_be_on_a_unix_socket() {
    let site = Site::new();
    let socket = site.word("socket");
    let server = [fixture(), "unix".into(), socket.clone(), "127.0.0.1:{port}".into()];
    let target = format!("http+unix:{socket}:/health");
    let first = site.line(&["--health", &target], &server);
    assert_eq!(
        (first.action.as_str(), first.url.as_deref()),
        ("started", Some(format!("tcp://localhost:{}", site.port).as_str()))
    );
    assert_eq!(site.line(&["--health", &format!("unix:{socket}")], &server).action, "reused");
}

#[test]
fn health_may_be_on_another_port() {
    let site = Site::new();
    let admin = crate::support::free_port();
    let beside = format!("'{}' serve --not-ready 300 127.0.0.1:{admin} & exec \"$0\" \"$@\"", fixture());
    let target = format!("http://127.0.0.1:{admin}/");
    let line = site.line(&["--health", &target], &shell(&beside, &site.server(&[])));
    assert!(line.ready_ms.is_some_and(|time| time >= 300), "{line:?}");
}

#[test]
fn a_wrapper_stands_for_its_server() {
    let site = Site::new();
    let command = shell("\"$0\" \"$@\"; true", &site.server(&["--delay", "100"]));
    let first = site.line(&[], &command);
    assert_eq!((first.action.as_str(), first.pids.clone()), ("started", site.alive()));
    assert_ne!(first.pid, Some(site.alive()[0]), "the record is the wrapper's");
    let second = site.line(&[], &command);
    assert_eq!((second.action.as_str(), second.pid), ("reused", first.pid));
    assert_eq!((first.name.as_str(), second.name.as_str()), ("sh", "sh"), "one server, one name");
}

#[test]
fn a_wrapper_of_a_wrapper_stands_for_its_server() {
    let site = Site::new();
    let command = shell("sh -c '\"$0\" \"$@\" & wait' \"$0\" \"$@\" & wait", &site.server(&["--delay", "100"]));
    assert_eq!(site.line(&[], &command).action, "started");
    assert_eq!(site.line(&[], &command).action, "reused");
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_wrapper_that_ends_leaves_its_server_in_the_session() {
    let site = Site::new();
    let command = shell("\"$0\" \"$@\" & exit 0", &site.server(&["--delay", "200"]));
    let first = site.line(&[], &command);
    assert_eq!((first.action.as_str(), first.pid), ("started", Some(site.alive()[0])));
    assert_eq!(site.line(&[], &command).action, "reused");
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_that_left_everything_behind_is_found_and_reused_and_restarted() {
    let site = Site::new();
    let command = site.odd(&["detach"], &["--delay", "200"]);
    let first = site.line(&[], &command);
    assert_eq!((first.action.as_str(), first.pid), ("started", Some(site.alive()[0])));
    assert_eq!(site.line(&[], &command).action, "reused");
    let third = site.line(&["--restart"], &command);
    assert_eq!((third.action.as_str(), third.pids), ("restarted", site.alive()));
    assert!(!runs(first.pid.unwrap()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_daemon_whose_wrapper_lives_on_for_a_while_is_ours() {
    let site = Site::new();
    let command = site.odd(&["linger", "600"], &["--delay", "100"]);
    let first = line(&site.run(&["--json"], &command).run());
    assert_eq!((first.action.as_str(), first.pids), ("started", site.alive()));
    std::thread::sleep(std::time::Duration::from_millis(700));
    let second = site.line(&[], &command);
    assert!(["reused", "adopted"].contains(&second.action.as_str()), "{second:?}");
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_child_that_answers_after_its_parent_ended_is_the_server() {
    let site = Site::new();
    let command = site.odd(&["leave"], &["--delay", "300"]);
    let first = site.line(&["--health", "/"], &command);
    assert_eq!((first.action.as_str(), first.pid), ("started", Some(site.alive()[0])));
    assert_eq!(site.line(&["--health", "/"], &command).action, "reused");
}

#[test]
fn a_wrapper_that_ends_after_the_server_was_ready_changes_nothing() {
    let site = Site::new();
    let command = shell("\"$0\" \"$@\" & sleep 0.4", &site.server(&[]));
    let first = site.line(&[], &command);
    crate::support::eventually("the end of the wrapper", || !runs(first.pid.unwrap()));
    let second = site.line(&[], &command);
    assert_eq!((second.action.as_str(), second.pid), ("reused", Some(site.alive()[0])));
    let third = site.line(&["--restart"], &command);
    assert_eq!((third.action.as_str(), site.started().len(), site.alive().len()), ("restarted", 2, 1));
}

#[test]
fn a_wrapper_that_daemonises_nothing_and_ends_well_is_an_end() {
    let site = Site::new();
    let output = site.run(&[], &["true"]).status(3).run();
    assert!(output.stderr.starts_with("ensure-up: true ended with status 0 after "), "{}", output.stderr);
}

#[test]
fn a_port_that_is_bound_and_not_listened_on_is_left_to_the_server() {
    let site = Site::new();
    // bound on another address: no conflict, and no holder
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    site.serve(&[]).run();
    drop(other);
    assert_eq!(site.alive().len(), 1);
}
