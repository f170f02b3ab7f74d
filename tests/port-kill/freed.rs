//! What came of holders that may be stopped.

use std::net::TcpStream;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{NOBODYS, Said, free, is_free, port_kill, quiet_address, without_figures};
use crate::support::{Fixture, free_port, runs};

#[test]
fn a_server_ends_and_the_lines_say_so() {
    let mut server = Fixture::start(["serve", &quiet_address()]);
    let (port, pid) = (server.port(), server.pid());
    let output = port_kill().arg(port.to_string()).any_stdout().run();
    assert_eq!(
        without_figures(&output.stdout),
        format!("{port} terminated fixture ({pid}, SIZE) SIGTERM, TIME\nfreed {port}: 1 process, SIZE\n")
    );
    assert!(is_free(port));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&server.wait()), Some(15));
}

#[test]
fn a_record_names_the_process_and_another_one_the_port() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let identity = proc_tree::Identity::of(server.pid()).expect("it can be seen").expect("it runs");
    let said = free(&server, &[]);
    let process = &said.processes[0];
    assert_eq!(
        (process.port, process.pid, process.start_id, process.name.as_deref()),
        (Some(server.port()), Some(identity.pid), Some(identity.start_id), Some("fixture"))
    );
    assert_eq!((process.role.as_str(), process.outcome.as_str()), ("holder", "terminated"));
    assert_eq!((process.signal.as_deref(), process.reason.as_deref()), (Some("SIGTERM"), None));
    assert!(process.elapsed_ms.is_some());
    let port = &said.ports[0];
    assert_eq!((port.port, port.protocol.as_deref(), port.reason.as_deref()), (server.port(), Some("tcp"), None));
    assert_eq!((said.processes.len(), said.ports.len()), (1, 1));
}

#[test]
fn every_holder_ends_whether_it_shares_the_socket_or_only_the_port() {
    for sharing in ["--forks", "--reuseport"] {
        let server = Fixture::start(["serve", sharing, "3", &quiet_address()]);
        let said = free(&server, &[]);
        assert_eq!(said.pids(), server.pids(), "{sharing}");
        assert!(said.processes.iter().all(|process| process.outcome == "terminated"), "{said:?}");
    }
}

#[test]
fn two_hundred_holders_of_one_port_end_together() {
    let server = Fixture::start(["serve", "--reuseport", "199", &quiet_address()]);
    let said = free(&server, &[]);
    assert_eq!(said.pids(), server.pids());
    assert_eq!(said.processes.len(), 200);
}

#[test]
fn one_that_ignores_the_signal_is_killed_after_the_grace() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    let port = server.port();
    let output = port_kill().args(["--grace", "200ms", &port.to_string()]).any_stdout().run();
    assert_eq!(
        without_figures(&output.stdout),
        format!(
            "{port} killed fixture ({}, SIZE) SIGTERM ignored, SIGKILL after TIME\nfreed {port}: 1 process, SIZE\n",
            server.pid()
        )
    );
    assert!(output.took.as_millis() >= 200, "{:?}", output.took);
}

#[test]
fn a_signal_that_nobody_ignored_is_not_said_to_be_ignored() {
    for (flags, said) in [
        // there was no time to answer it
        (&["--grace", "0"][..], "SIGKILL, TIME"),
        (&["--grace", "0", "--tree"], "SIGKILL, TIME"),
        (&["--grace", "50ms", "--signal", "STOP"], "SIGSTOP ends no process, SIGKILL after TIME"),
        (&["--grace", "50ms", "--signal", "TSTP"], "SIGTSTP ends no process, SIGKILL after TIME"),
        (&["--grace", "50ms", "--signal", "CONT"], "SIGCONT ignored, SIGKILL after TIME"),
    ] {
        let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
        let port = server.port();
        let output = port_kill().args(flags).arg(port.to_string()).any_stdout().run();
        let line = format!("{port} killed fixture ({}, SIZE) {said}\nfreed {port}: 1 process, SIZE\n", server.pid());
        assert_eq!(without_figures(&output.stdout), line, "{flags:?}");
    }
}

#[test]
fn force_is_sigkill_at_once() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    let said = free(&server, &["--force"]);
    let process = said.process(server.pid());
    assert_eq!((process.outcome.as_str(), process.signal.as_deref()), ("killed", Some("SIGKILL")));
}

#[test]
fn without_grace_sigkill_follows_at_once() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    assert_eq!(free(&server, &["--grace", "0"]).outcome(server.pid()), "killed");
}

#[test]
fn without_escalation_it_survives_and_the_port_is_still_held() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    let port = server.port();
    let arguments = ["--no-escalate", "--grace", "100ms", "--json"];
    let message = format!("port-kill: port {port} is still held\n");
    let output = port_kill().args(arguments).arg(port.to_string()).status(1).any_stdout().stderr(message).run();
    let said = Said::by(&output);
    assert_eq!(said.outcome(server.pid()), "survived");
    assert!(!said.ports[0].free);
    assert_eq!(said.ports[0].held_by[0].pid, Some(server.pid()));
    assert!(runs(server.pid()));
}

#[test]
fn another_signal_is_sent_by_name_or_number() {
    for signal in ["INT", "SIGINT", "sigint", "2"] {
        let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
        let said = free(&server, &["--signal", signal]);
        let process = said.process(server.pid());
        assert_eq!((process.outcome.as_str(), process.signal.as_deref()), ("terminated", Some("SIGINT")), "{signal}");
    }
}

#[test]
fn a_program_with_a_faster_stop_gets_that_signal_unless_another_is_asked_for() {
    let start = || Fixture::named("postgres", ["serve", "--ignore-term", &quiet_address()]);
    let server = start();
    let rehearsed = rehearse(&server);
    assert_eq!(rehearsed.process(server.pid()).signal.as_deref(), Some("SIGINT"));
    let said = free(&server, &["--grace", "1m"]);
    let process = said.process(server.pid());
    assert_eq!((process.outcome.as_str(), process.signal.as_deref()), ("terminated", Some("SIGINT")));
    let server = start();
    let said = free(&server, &["--signal", "TERM", "--grace", "100ms"]);
    assert_eq!(said.outcome(server.pid()), "killed");
}

fn rehearse(server: &Fixture) -> Said {
    Said::by(&port_kill().args(["--dry-run", "--json", &server.port().to_string()]).any_stdout().run())
}

#[test]
fn a_signal_that_was_lost_is_sent_once_more_at_half_the_grace() {
    let server = Fixture::start(["serve", "--lose-term", &quiet_address()]);
    let output = port_kill().args(["--json", "--grace", "2s", &server.port().to_string()]).any_stdout().run();
    let said = Said::by(&output);
    let process = said.process(server.pid());
    assert_eq!((process.outcome.as_str(), process.signal.as_deref()), ("terminated", Some("SIGTERM")));
    assert!(output.took.as_millis() >= 1000, "{:?}", output.took);
}

#[test]
fn a_stopped_holder_is_woken_up_to_end() {
    let server = Fixture::start(["serve", &quiet_address()]);
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGSTOP).expect("the fixture is ours");
    assert_eq!(free(&server, &["--grace", "1m"]).outcome(server.pid()), "terminated");
}

#[test]
fn a_stopped_holder_that_ignores_the_signal_is_killed() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGSTOP).expect("the fixture is ours");
    assert_eq!(free(&server, &["--grace", "100ms"]).outcome(server.pid()), "killed");
}

#[test]
fn one_that_nobody_reaps_has_ended_all_the_same() {
    let parent = Fixture::start(["neglect", &quiet_address()]);
    let server = parent.pids().into_iter().find(|&pid| pid != parent.pid()).expect("a server");
    let said = free(&parent, &["--grace", "1m"]);
    assert_eq!((said.pids(), said.outcome(server)), (vec![server], "terminated"));
    let zombie = proc_tree::process::stat(server).expect("it can be seen").expect("it was not reaped");
    assert!(zombie.has_ended());
    assert!(runs(parent.pid()));
    // and again: nothing is left to hold the port
    let port = parent.port();
    port_kill().arg(port.to_string()).stderr(format!("{port}  nothing was listening\n")).run();
}

#[test]
fn a_server_over_udp_is_one_too() {
    let server = Fixture::start(["hold", "udp", &quiet_address()]);
    let said = free(&server, &[]);
    assert_eq!((said.outcome(server.pid()), said.ports[0].protocol.as_deref()), ("terminated", Some("udp")));
}

#[test]
fn a_process_on_two_ports_is_reported_on_both_and_counted_once() {
    let (low, high) = (free_port(), free_port());
    let server = Fixture::start(["hold", "tcp", &format!("127.0.0.1:{low}"), &format!("127.0.0.1:{high}")]);
    let output = port_kill().args([low, high].map(|port| port.to_string())).any_stdout().run();
    let line = |port| format!("{port} terminated fixture ({}, SIZE) SIGTERM, TIME\n", server.pid());
    assert_eq!(
        without_figures(&output.stdout),
        format!("{}{}freed {low}, {high}: 1 process, SIZE\n", line(low), line(high))
    );
}

#[test]
fn a_server_whose_main_thread_is_gone_is_stopped_like_any_other() {
    let server = Fixture::start(["hold", "leaderless", &quiet_address()]);
    assert_eq!(free(&server, &[]).outcome(server.pid()), "terminated");
}

#[test]
fn a_client_is_left_alone() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let client = TcpStream::connect(server.address()).expect("the server listens");
    let said = free(&server, &[]);
    assert_eq!(said.pids(), [server.pid()]);
    drop(client);
}

#[test]
fn nothing_to_free_is_success_with_a_note_and_an_honest_no_where_something_is_required() {
    let port = NOBODYS[0].to_string();
    let note = format!("{port}  nothing was listening\n");
    port_kill().arg(&port).stderr(note.as_str()).run();
    port_kill().args(["--quiet", &port]).run();
    port_kill().args(["--require", &port]).status(1).stderr(note.as_str()).run();
    port_kill().args(["--require", "--quiet", &port]).status(1).run();
    let said = Said::by(&port_kill().args(["--json", &port]).any_stdout().stderr(note).run());
    assert!(said.processes.is_empty());
    let port = &said.ports[0];
    assert_eq!(
        (port.free, port.protocol.as_deref(), port.reason.as_deref()),
        (true, None, Some("nothing was listening"))
    );
}

#[test]
fn several_ports_are_freed_at_once_and_a_free_one_among_them_is_noted() {
    let (first, second) =
        (Fixture::start(["serve", &quiet_address()]), Fixture::start(["serve", &format!("[::1]:{}", free_port())]));
    let (one, two, none) = (first.port(), second.port(), NOBODYS[0]);
    let output = port_kill()
        .args([format!("{one},{none}"), two.to_string(), none.to_string()])
        .any_stdout()
        .stderr(format!("{none}  nothing was listening\n"))
        .run();
    let (low, high) = (one.min(two), one.max(two));
    assert!(
        without_figures(&output.stdout).ends_with(&format!("freed {low}, {high}: 2 processes, SIZE\n")),
        "{}",
        output.stdout
    );
    assert!(is_free(one) && is_free(two));
}

#[test]
fn a_rehearsal_prints_who_would_be_signalled_and_signals_nobody() {
    let server = Fixture::start(["serve", "--forks", "1", &quiet_address()]);
    let port = server.port();
    let output = port_kill().args(["--dry-run", &port.to_string()]).any_stdout().run();
    let pids = server.pids();
    let line = |pid: u32| format!("{port} would-signal fixture ({pid}, SIZE) SIGTERM\n");
    assert_eq!(
        without_figures(&output.stdout),
        format!("{}{}would free {port}: 2 processes, SIZE\n", line(pids[0]), line(pids[1]))
    );
    let output = port_kill().args(["-n", "--json", &port.to_string()]).any_stdout().run();
    let said = Said::by(&output);
    assert_eq!(said.pids(), pids);
    assert!(said.processes.iter().all(|one| one.outcome == "would-signal" && one.signal.as_deref() == Some("SIGTERM")));
    assert!(pids.into_iter().all(runs));
}

#[test]
fn a_respawn_is_noticed_and_whoever_did_it_is_named() {
    let parent = Fixture::start(["respawn", &quiet_address()]);
    let port = parent.port();
    let output =
        port_kill().args(["--settle", "20s", "--json", &port.to_string()]).status(1).any_stdout().any_stderr().run();
    let said = Said::by(&output);
    assert_eq!(said.processes[0].outcome, "terminated");
    let respawned = said.ports[0].held_by[0].pid.expect("it is visible");
    let reason = format!("fixture ({respawned}) took it again, started by fixture ({})", parent.pid());
    assert_eq!(said.ports[0].reason.as_deref(), Some(reason.as_str()));
    assert_eq!(output.stderr, format!("port-kill: port {port} is still held: {reason}\n"));
    assert!(output.took.as_secs() < 15, "it does not wait for the rest: {:?}", output.took);
}

#[test]
fn a_port_that_stays_free_is_watched_to_the_end() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let output = port_kill().args(["--settle", "300ms", &server.port().to_string()]).any_stdout().run();
    assert!(output.took.as_millis() >= 300, "{:?}", output.took);
}
