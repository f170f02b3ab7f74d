//! Which holders are meant: by address, by name, by user, by command line.

use super::{Said, is_free, port_kill, quiet_address};
use crate::support::{Fixture, free_port, runs, schema::checked};

#[test]
fn a_named_address_leaves_another_address_alone() {
    let first = Fixture::start(["serve", &quiet_address()]);
    let port = first.port();
    let second = Fixture::start(["serve", &format!("127.0.0.2:{port}")]);
    let said = Said::by(&port_kill().args(["--json", &format!("127.0.0.2:{port}")]).any_stdout().run());
    assert_eq!(said.pids(), [second.pid()]);
    assert!(runs(first.pid()) && !runs(second.pid()));
}

#[test]
fn a_named_protocol_leaves_the_other_alone() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let udp = format!("{}/udp", server.port());
    port_kill().arg(&udp).stderr(format!("{udp}  nothing was listening\n")).run();
    assert!(runs(server.pid()));
    port_kill().arg(format!("{}/tcp", server.port())).any_stdout().run();
    assert!(is_free(server.port()));
}

#[test]
fn one_that_is_not_meant_keeps_its_port_and_that_is_said_and_is_no_failure() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let port = server.port();
    for filter in [["--name", "fixtur"], ["--match", "^serve"], ["--user", "54321"]] {
        let reason = format!("fixture ({}) was left alone: it was not selected", server.pid());
        let output = port_kill()
            .args(filter)
            .args(["--json", &port.to_string()])
            .any_stdout()
            .stderr(format!("port-kill: port {port} is still held: {reason}\n"))
            .run();
        let said = Said::by(&output);
        assert!(said.processes.is_empty(), "{said:?}");
        assert_eq!((said.ports[0].free, said.ports[0].reason.as_deref()), (false, Some(reason.as_str())));
        // nobody who was asked for was there
        port_kill().args(filter).args(["--require", "--quiet", &port.to_string()]).status(1).run();
    }
    assert!(runs(server.pid()));
}

#[test]
fn the_question_is_whether_those_are_gone_that_were_asked_for() {
    let first = Fixture::start(["serve", &quiet_address()]);
    let port = first.port();
    let second = Fixture::start(["serve", &format!("127.0.0.2:{port}")]);
    let note = format!(
        "port-kill: port {port} is still held: fixture ({}) was left alone: it was not selected\n",
        second.pid()
    );
    let arguments = ["--match", "127[.]0[.]0[.]1:", "--json"];
    let output = port_kill().args(arguments).arg(port.to_string()).any_stdout().stderr(note).run();
    let said = Said::by(&output);
    assert_eq!((said.pids(), said.outcome(first.pid())), (vec![first.pid()], "terminated"));
    assert!(!said.ports[0].free && said.ports[0].held_by[0].pid == Some(second.pid()), "{said:?}");
    assert!(!runs(first.pid()) && runs(second.pid()));
}

#[test]
fn one_that_is_meant_by_every_filter_is_stopped() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let uid = nix::unistd::geteuid().to_string();
    let said = Said::by(
        &port_kill()
            .args(["--name", "fixture", "--match", r"fixture serve 127\.", "--user", &uid, "--json"])
            .arg(server.port().to_string())
            .any_stdout()
            .run(),
    );
    assert_eq!(said.outcome(server.pid()), "terminated");
}

#[test]
fn a_range_frees_what_is_held_in_it_and_its_free_ports_are_not_written_out() {
    let server = Fixture::start(["serve", &format!("127.0.0.77:{}", free_port())]);
    let port = server.port();
    // nobody else is on this address, and nobody else is meant
    let range = format!("127.0.0.77:{}-{}/tcp", port.saturating_sub(2), port.saturating_add(2));
    let said = Said::by(&port_kill().args(["--match", "127[.]0[.]0[.]77", "--json", &range]).any_stdout().run());
    assert_eq!(said.pids(), [server.pid()]);
    assert_eq!(said.ports.iter().map(|one| one.port).collect::<Vec<_>>(), [port]);
    let note = format!("{range}  nothing was listening\n");
    let said = Said::by(&port_kill().args(["--json", &range]).any_stdout().stderr(note).run());
    assert!(said.ports.is_empty());
}

#[test]
fn a_port_is_watched_also_while_somebody_stays_on_it_who_was_not_selected() {
    let port = free_port();
    let _unselected = Fixture::start(["serve", &format!("127.0.0.2:{port}")]);
    let address = format!("127.0.0.1:{port}");
    let mut first = Fixture::start(["family", "mark-meant", &address]);
    let text = port.to_string();
    let mut tool = port_kill().args(["--match", "mark-meant", "--settle", "20s", "--json", &text]);
    let watching = tool.spawn();
    first.wait();
    // the look after the end of the holder is over by then
    std::thread::sleep(std::time::Duration::from_millis(300));
    let second = Fixture::start(["family", "mark-meant", &address]);
    let output = watching.wait_with_output().expect("the tool ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = checked("port-kill", &String::from_utf8_lossy(&output.stdout));
    let again = format!("fixture ({}) took it again", second.pid());
    assert!(said.iter().any(|record| record["reason"].as_str().is_some_and(|why| why.contains(&again))), "{said:?}");
}
