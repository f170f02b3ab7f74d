//! Holders that must not be signalled, or may not.

use std::net::TcpListener;

use super::{Said, is_free, port_kill, quiet_address, without_figures};
use crate::support::{Fixture, NOBODY, free_port, is_root_or_skipped, runs};

#[test]
fn an_ancestor_is_refused_and_its_port_is_still_held() {
    let own = TcpListener::bind(quiet_address()).expect("a port is free");
    let port = own.local_addr().expect("a bound socket has an address").port();
    let (pid, name) =
        (std::process::id(), proc_tree::Facts::of(std::process::id()).ok().flatten().expect("we run").name);
    let output = port_kill()
        .args(["--force", &port.to_string()])
        .status(1)
        .any_stdout()
        .stderr(format!("port-kill: port {port} is still held\n"))
        .run();
    let said = without_figures(&output.stdout);
    // a process that another test forks just now has the socket, too, until it becomes its program
    let stays: Vec<&str> = said.lines().filter(|line| !line.contains(" gone ")).collect();
    assert_eq!(stays, [format!("{port} refused {name} ({pid}, SIZE) it is an ancestor of this process")]);
    let output = port_kill().args(["--json", &port.to_string()]).status(1).any_stdout().any_stderr().run();
    let said = Said::by(&output);
    assert_eq!((said.outcome(pid), said.process(pid).signal.as_deref()), ("refused", None));
    assert_eq!(said.ports[0].held_by[0].pid, Some(pid));
}

#[test]
fn a_containers_forwarder_is_refused_with_a_hint_that_names_the_container() {
    let address = quiet_address();
    let words = ["-proto", "tcp", "-container-ip", "172.17.0.2", "-container-port", "80", &address];
    let proxy = Fixture::named("docker-proxy", words);
    let port = proxy.port();
    let output = port_kill().args(["--json", &port.to_string()]).status(1).any_stdout().any_stderr().run();
    let said = Said::by(&output);
    assert_eq!(said.outcome(proxy.pid()), "refused");
    assert_eq!(said.process(proxy.pid()).reason.as_deref(), Some("it forwards to a container"));
    assert_eq!(
        output.stderr,
        format!(
            "port-kill: port {port} is still held\n\
             hint: docker ps --filter publish={port} names the container at 172.17.0.2:80 behind port {port}; \
             docker stop NAME stops it\n"
        )
    );
    assert!(runs(proxy.pid()));
}

#[test]
fn what_cannot_be_seen_is_denied_with_a_hint_and_the_rest_is_freed() {
    if !is_root_or_skipped() {
        return;
    }
    let roots = Fixture::start(["serve", &quiet_address()]);
    let (first, second) = (nobodys_server(), nobodys_server());
    let port = roots.port();
    let output = port_kill()
        .args([first.port(), port, second.port()].map(|port| port.to_string()))
        .user(NOBODY)
        .status(1)
        .any_stdout()
        .stderr(format!("port-kill: port {port} is still held\nhint: sudo port-kill {port}\n"))
        .run();
    assert!(
        output.stdout.contains(&format!("{port}  denied      owner not visible to you (user root)\n")),
        "{}",
        output.stdout
    );
    assert!(is_free(first.port()) && is_free(second.port()) && runs(roots.pid()));
}

#[test]
fn root_is_offered_what_was_asked_for_and_no_more() {
    if !is_root_or_skipped() {
        return;
    }
    let roots = Fixture::start(["serve", &quiet_address()]);
    let port = roots.port();
    let specs = [format!("127.0.0.1:{port}"), format!("{port}/tcp"), free_port().to_string()];
    let flags = ["-n", "-s", "HUP", "--name", "fixture", "--match", "serve .*"];
    let output = port_kill().args(flags).args(&specs).user(NOBODY).any_stdout().any_stderr().run();
    let line = "sudo port-kill -n --signal SIGHUP --name fixture --match 'serve .*'";
    let hint = format!("hint: {line} {} {}\n", specs[0], specs[1]);
    assert!(output.stderr.ends_with(&hint), "{}", output.stderr);
    let record = format!("{{\"pid\":{},\"port\":{port}}}", roots.pid());
    let output = port_kill().args(["-n", "-"]).stdin(record).user(NOBODY).any_stdout().any_stderr().run();
    assert!(output.stderr.ends_with("hint: sudo port-kill -n -, with the same input\n"), "{}", output.stderr);
}

#[test]
fn what_cannot_be_seen_has_a_record_without_a_process() {
    if !is_root_or_skipped() {
        return;
    }
    let roots = Fixture::start(["serve", &quiet_address()]);
    let port = roots.port();
    let output = port_kill().args(["--json", &port.to_string()]).user(NOBODY).status(1).any_stdout().any_stderr().run();
    let said = Said::by(&output);
    let process = &said.processes[0];
    assert_eq!((process.port, process.pid, process.start_id), (Some(port), None, None));
    assert_eq!(process.outcome, "denied");
    assert!(!said.ports[0].free);
    assert_eq!(said.ports[0].held_by[0].user.as_deref(), Some("root"));
}

#[test]
fn a_named_process_that_cannot_be_looked_into_is_denied_and_not_called_gone() {
    if !is_root_or_skipped() {
        return;
    }
    let roots = Fixture::start(["serve", &quiet_address()]);
    let (port, pid) = (roots.port(), roots.pid());
    for (input, reason) in [
        (format!("{{\"pid\":{pid},\"port\":{port}}}"), format!("it cannot be seen whether it holds port {port}")),
        (pid.to_string(), "it cannot be seen what it holds".to_owned()),
    ] {
        let tool = port_kill().args(["--json", "-"]).stdin(input).user(NOBODY);
        let said = Said::by(&tool.status(1).any_stdout().any_stderr().run());
        assert_eq!((said.outcome(pid), said.process(pid).reason.as_deref()), ("denied", Some(reason.as_str())));
        assert_eq!(said.processes.len(), 1, "{said:?}");
    }
    assert!(runs(pid));
}

#[test]
fn what_nobody_has_open_is_denied_also_to_root_with_a_hint_that_helps() {
    if !is_root_or_skipped() {
        return;
    }
    let sender = Fixture::start(["hold", "in-flight", &quiet_address()]);
    let port = sender.port();
    let output = port_kill().arg(port.to_string()).status(1).any_stdout().any_stderr().run();
    assert_eq!(output.stdout, format!("{port}  denied  owner not visible to you (user root)\n"));
    assert!(output.stderr.starts_with(&format!("port-kill: port {port} is still held\nhint: ")), "{}", output.stderr);
    assert!(!output.stderr.contains("sudo"), "{}", output.stderr);
}

#[test]
fn an_unprivileged_user_frees_what_is_its_own() {
    if !is_root_or_skipped() {
        return;
    }
    let server = nobodys_server();
    let output = port_kill().args(["--json", &server.port().to_string()]).user(NOBODY).any_stdout().run();
    assert_eq!(Said::by(&output).outcome(server.pid()), "terminated");
}

fn nobodys_server() -> Fixture {
    Fixture::of_nobody(["serve", &quiet_address()])
}
