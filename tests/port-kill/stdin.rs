//! Processes and records on standard input.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Said, is_free, port_kill, quiet_address};
use crate::support::{Fixture, eventually, runs};

fn record(server: &Fixture) -> String {
    let identity = proc_tree::Identity::of(server.pid()).expect("it can be seen").expect("it runs");
    let (pid, start, port) = (identity.pid, identity.start_id, server.port());
    format!("{{\"pid\":{pid},\"start_id\":{start},\"port\":{port},\"protocol\":\"tcp\",\"name\":\"x\"}}\n")
}

fn run(input: impl Into<Vec<u8>>) -> Said {
    Said::by(&port_kill().args(["--json", "-"]).stdin(input).any_stdout().run())
}

#[test]
fn records_and_bare_pids_free_what_those_processes_hold() {
    let (first, second, third) = (
        Fixture::start(["serve", &quiet_address()]),
        Fixture::start(["serve", &quiet_address()]),
        Fixture::start(["serve", &quiet_address()]),
    );
    let said = run(format!("{}\n{}\n", record(&first), second.pid()));
    assert_eq!((said.outcome(first.pid()), said.outcome(second.pid())), ("terminated", "terminated"));
    assert_eq!(said.processes.len(), 2);
    let mut ports = [first.port(), second.port()];
    ports.sort_unstable();
    assert_eq!(said.ports.iter().map(|port| port.port).collect::<Vec<_>>(), ports);
    assert!(said.all_are_free() && is_free(first.port()) && is_free(second.port()));
    assert!(runs(third.pid()));
}

#[test]
fn a_recycled_pid_is_gone_and_its_new_owner_lives() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let identity = proc_tree::Identity::of(server.pid()).expect("it can be seen").expect("it runs");
    let before = identity.start_id - 1;
    let said = run(format!("{{\"pid\":{},\"start_id\":{before},\"port\":{}}}", server.pid(), server.port()));
    let process = said.process(server.pid());
    assert_eq!((process.outcome.as_str(), process.reason.as_deref()), ("gone", Some("it had ended")));
    assert_eq!((process.start_id, process.name.as_deref()), (Some(before), None), "nothing is told of the other one");
    assert!(runs(server.pid()));
}

#[test]
fn a_process_must_still_hold_the_port_of_its_record() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let other = server.port().wrapping_sub(1).max(1);
    let said = run(format!("{{\"pid\":{},\"port\":{other}}}", server.pid()));
    let process = said.process(server.pid());
    let reason = format!("it does not hold port {other}");
    assert_eq!((process.outcome.as_str(), process.reason.as_deref()), ("gone", Some(reason.as_str())));
    assert!(runs(server.pid()));
}

#[test]
fn one_that_became_another_program_since_it_was_listed_is_left_alone() {
    let server = Fixture::start(["exec-on-hup", &quiet_address()]);
    let listed = record(&server);
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGHUP).expect("the fixture is ours");
    eventually("sleep in the place of the server", || {
        proc_tree::Facts::of(server.pid()).ok().flatten().is_some_and(|facts| facts.name == "sleep")
    });
    let said = run(listed);
    assert_eq!(said.outcome(server.pid()), "gone", "the same process, but it holds the port no more");
    assert!(runs(server.pid()));
}

#[test]
fn only_the_named_one_of_several_holders_is_signalled_and_the_port_is_still_held() {
    let server = Fixture::start(["serve", "--reuseport", "1", &quiet_address()]);
    let worker = server.pids().into_iter().find(|&pid| pid != server.pid()).expect("a second holder");
    let input = format!("{{\"pid\":{worker},\"port\":{}}}", server.port());
    let output = port_kill().args(["--json", "-"]).stdin(input).status(1).any_stdout().any_stderr().run();
    let said = Said::by(&output);
    assert_eq!((said.pids(), said.outcome(worker)), (vec![worker], "terminated"));
    assert!(!said.ports[0].free && said.ports[0].held_by[0].pid == Some(server.pid()));
    assert!(runs(server.pid()));
}

#[test]
fn a_process_that_holds_no_port_is_left_alone() {
    let parent = Fixture::start(["neglect", &quiet_address()]);
    let input = format!("{}\n2147483646\n", parent.pid());
    let hint = format!("hint: kill {} ends what holds no port\n", parent.pid());
    let output = port_kill().args(["--json", "-"]).stdin(input).status(1).any_stdout().stderr(hint).run();
    let said = Said::by(&output);
    for (pid, outcome, reason) in
        [(parent.pid(), "no-port", "it holds no port"), (2_147_483_646, "gone", "it had ended")]
    {
        let process = said.process(pid);
        assert_eq!((process.outcome.as_str(), process.reason.as_deref()), (outcome, Some(reason)));
        assert_eq!(process.port, None);
    }
    assert!(runs(parent.pid()));
}

#[test]
fn one_that_must_not_be_signalled_gets_no_line_that_would_end_it() {
    let own = std::process::id();
    let output = port_kill().args(["--json", "-"]).stdin(own.to_string()).status(1).any_stdout().any_stderr().run();
    assert!(!output.stderr.contains("hint: kill"), "{}", output.stderr);
}

#[test]
fn a_record_without_a_process_names_nobody_to_be_signalled() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let input = format!("{{\"pid\":null,\"port\":{}}}", server.port());
    let output = port_kill().args(["--json", "-"]).stdin(input).status(1).any_stdout().any_stderr().run();
    assert!(!Said::by(&output).ports[0].free);
    assert!(runs(server.pid()));
}

#[test]
fn a_record_that_names_nothing_is_not_success() {
    let output = port_kill().args(["--json", "-"]).stdin("{\"pid\":null}").status(1).any_stdout().run();
    assert_eq!(Said::by(&output).processes[0].outcome, "denied");
}

#[test]
fn one_bad_line_and_nothing_is_done() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let output = port_kill().arg("-").stdin(format!("{}\nnonsense\n", record(&server))).status(2).any_stderr().run();
    assert!(output.stderr.starts_with("port-kill: standard input, line 3: "), "{}", output.stderr);
    let zero = format!("{}{{\"pid\":{},\"port\":0}}\n", record(&server), server.pid());
    let output = port_kill().arg("-").stdin(zero).status(2).any_stderr().run();
    assert!(output.stderr.starts_with("port-kill: standard input, line 2: "), "{}", output.stderr);
    assert!(output.stderr.ends_with("a port is a number from 1 to 65535\n"), "{}", output.stderr);
    assert!(runs(server.pid()));
}

#[test]
fn empty_input_means_nothing_to_do_and_an_honest_no_where_something_is_required() {
    let note = "port-kill: standard input names no process\n";
    for input in ["", "\n\n"] {
        port_kill().arg("-").stdin(input).stderr(note).run();
        port_kill().args(["--quiet", "-"]).stdin(input).run();
        port_kill().args(["--require", "-"]).stdin(input).status(1).stderr(note).run();
    }
}

#[test]
fn ports_beside_standard_input_are_a_usage_error() {
    port_kill()
        .args(["-", "8000"])
        .status(2)
        .stderr("port-kill: - stands alone: standard input names the ports\n")
        .run();
}

#[test]
fn a_record_of_another_network_is_refused_and_the_network_is_named() {
    let server = Fixture::start(["hold", "netns", "0.0.0.0:18001"]);
    if let Some(word) = server.said.iter().find_map(|word| word.strip_prefix("refused:")) {
        return crate::support::skipped(&format!("no network namespace may be made: {word}"));
    }
    let pid = server.pid();
    let network = std::os::unix::fs::MetadataExt::ino(
        &std::fs::metadata(format!("/proc/{pid}/ns/net")).expect("the fixture is ours"),
    );
    let record = format!("{{\"pid\":{pid},\"port\":18001,\"netns\":{network}}}\n");
    let output = port_kill().args(["--json", "-"]).stdin(record.clone()).status(1).any_stdout().any_stderr().run();
    let said = Said::by(&output);
    let reason = format!("it is in network namespace {network}, not in this one");
    assert_eq!((said.outcome(pid), said.process(pid).reason.as_deref()), ("refused", Some(reason.as_str())));
    assert_eq!((said.ports[0].free, said.ports[0].reason.as_deref()), (false, Some(reason.as_str())));
    let output = port_kill().arg("-").stdin(record).status(1).any_stdout().any_stderr().run();
    assert!(output.stdout.contains(&reason), "{}", output.stdout);
    assert_eq!(output.stderr, "port-kill: port 18001 is still held\n");
    assert!(runs(pid));
}

#[test]
fn what_a_process_in_another_network_holds_cannot_be_seen_and_it_is_refused() {
    let server = Fixture::start(["hold", "netns", "0.0.0.0:18001"]);
    if let Some(word) = server.said.iter().find_map(|word| word.strip_prefix("refused:")) {
        return crate::support::skipped(&format!("no network namespace may be made: {word}"));
    }
    let pid = server.pid();
    let network = port_who::network_of(pid).expect("the fixture is ours");
    let reason = format!("it is in network namespace {network}, not in this one");
    for (input, held) in [(pid.to_string(), None), (format!("{{\"pid\":{pid},\"port\":18001}}"), Some(18001))] {
        let output = port_kill().args(["--json", "-"]).stdin(input).status(1).any_stdout().any_stderr().run();
        let said = Said::by(&output);
        assert_eq!((said.outcome(pid), said.process(pid).reason.as_deref()), ("refused", Some(reason.as_str())));
        let ports: Vec<_> = said.ports.iter().map(|port| (port.port, port.free)).collect();
        assert_eq!(ports, held.map(|port| (port, false)).into_iter().collect::<Vec<_>>());
        assert!(!output.stderr.contains("hint: "), "{}", output.stderr);
    }
    assert!(runs(pid));
}

#[test]
fn a_thread_is_refused_and_its_process_is_named() {
    // a test runs on a thread of its own
    let (thread, process) = (nix::unistd::gettid().as_raw().cast_unsigned(), std::process::id());
    let output = port_kill().args(["--json", "-"]).stdin(thread.to_string()).status(1).any_stdout().run();
    let (said, reason) = (Said::by(&output), format!("it is no process but a thread of process {process}"));
    assert_eq!((said.outcome(thread), said.process(thread).reason.as_deref()), ("refused", Some(reason.as_str())));
    assert_eq!((said.process(thread).port, said.process(thread).start_id), (None, None));
}
