//! Ports that nobody listens on and that are not free all the same.

use super::{Said, port_kill};
use crate::support::{Fixture, free_port, runs};

/// A connection whose local port is this one, and its server.
fn connection(address: &str) -> (Fixture, Fixture) {
    let peer = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let client = Fixture::start(["hold", "connected", address, &peer.address().to_string()]);
    (client, peer)
}

#[test]
fn a_port_that_a_connection_uses_is_not_freed_by_the_end_of_its_server() {
    let port = free_port();
    let (client, _peer) = connection(&format!("127.0.0.2:{port}"));
    let server = Fixture::start(["serve", &format!("127.0.0.1:{port}")]);
    let reason = format!("a connection of fixture ({}) uses it", client.pid());
    let note = format!("note: nobody listens on port {port}, but it is not free: {reason}\n");
    let output = port_kill().args(["--json", &port.to_string()]).any_stdout().stderr(note.as_str()).run();
    let said = Said::by(&output);
    assert_eq!(said.outcome(server.pid()), "terminated");
    let record = &said.ports[0];
    assert_eq!((record.free, record.reason.as_deref()), (false, Some(reason.as_str())));
    assert_eq!(record.held_by.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [Some(client.pid())]);
    assert!(runs(client.pid()), "it is no holder");
    // nor do the lines say that it is freed
    let _server = Fixture::start(["serve", &format!("127.0.0.1:{port}")]);
    let output = port_kill().arg(port.to_string()).any_stdout().stderr(note).run();
    assert!(output.stdout.contains(" terminated ") && !output.stdout.contains("freed"), "{}", output.stdout);
}

#[test]
fn a_port_that_is_bound_and_not_listened_on_is_told_and_nobody_is_signalled() {
    let port = free_port();
    let loading = Fixture::start(["hold", "bound", &format!("127.0.0.1:{port}")]);
    let reason = format!("a bound socket of fixture ({}) uses it", loading.pid());
    let stderr =
        format!("{port}  nothing was listening\nnote: nobody listens on port {port}, but it is not free: {reason}\n");
    for (arguments, status) in [(&["--json"][..], 0), (&["--json", "-n"], 0), (&["--json", "--require"], 1)] {
        let tool = port_kill().args(arguments).arg(port.to_string()).status(status);
        let said = Said::by(&tool.any_stdout().stderr(stderr.as_str()).run());
        assert_eq!((said.processes.len(), said.ports.len()), (0, 1), "{said:?}");
        let record = &said.ports[0];
        assert_eq!((record.free, record.reason.as_deref()), (false, Some(reason.as_str())));
        assert_eq!(record.held_by[0].pid, Some(loading.pid()));
    }
    assert!(runs(loading.pid()));
}

#[test]
fn a_port_that_is_held_on_another_address_is_not_free_on_every_one() {
    for (address, any) in [("127.0.0.1", "0.0.0.0"), ("127.0.0.1", "[::]"), ("[::1]", "[::]")] {
        let port = free_port();
        let server = Fixture::start(["serve", &format!("{address}:{port}")]);
        let asked = format!("{any}:{port}");
        let reason = format!("fixture ({}) listens on {}", server.pid(), address.trim_matches(['[', ']']));
        let said = format!("{asked}  nothing was listening\nport-kill: port {port} is still held: {reason}\n");
        for (arguments, status) in [(&["--json"][..], 1), (&["--json", "-n"], 0)] {
            let tool = port_kill().args(arguments).arg(&asked).status(status);
            let record = Said::by(&tool.any_stdout().stderr(said.as_str()).run()).ports.remove(0);
            assert_eq!((record.free, record.reason.as_deref()), (false, Some(reason.as_str())), "{asked}");
            assert_eq!(record.held_by[0].pid, Some(server.pid()));
        }
        // those who were asked for are gone
        let said = Said::by(&port_kill().args(["--json", "--name", "nobody", &asked]).any_stdout().any_stderr().run());
        assert!(!said.ports[0].free && runs(server.pid()), "{said:?}");
    }
}

#[test]
fn what_lingers_behind_a_server_does_not_count() {
    for how in ["left-over", "lingering"] {
        let port = free_port();
        let _server = Fixture::start(["hold", how, &format!("127.0.0.1:{port}")]);
        let output = port_kill().args(["--json", &port.to_string()]).any_stdout();
        let said = Said::by(&output.stderr(format!("{port}  nothing was listening\n")).run());
        assert!(said.all_are_free(), "{how}: {said:?}");
    }
}

#[test]
fn only_the_address_of_a_record_has_to_be_free() {
    let port = free_port();
    let _other = Fixture::start(["hold", "bound", &format!("127.0.0.2:{port}")]);
    let server = Fixture::start(["serve", &format!("127.0.0.1:{port}")]);
    let record = format!("{{\"pid\":{},\"port\":{port}}}", server.pid());
    let said = Said::by(&port_kill().args(["--json", "-"]).stdin(record).any_stdout().run());
    assert!(said.all_are_free(), "{said:?}");
}
