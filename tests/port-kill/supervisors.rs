//! Who would start a server again: stopped instead where it is `ensure-up`, and only for its own port; named elsewhere.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    process::Command,
};

use super::{Said, free, is_free, port_kill, quiet_address};
use crate::support::{
    Fixture, NOBODY, eventually, fixture_path, free_port, free_ports, installed, is_root_or_skipped, runs,
};

/// The fixture under other names.
struct Named(tempfile::TempDir);

impl Named {
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        for name in names {
            symlink(fixture_path(), folder.path().join(name)).expect("the folder is ours");
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn supervisor(&self, port: u16, options: &[&str]) -> Fixture {
        self.supervisor_of(&port.to_string(), port, options)
    }

    fn supervisor_of(&self, kept: &str, port: u16, options: &[&str]) -> Fixture {
        let mut command = Command::new(self.path("ensure-up"));
        command.args(["--supervise", kept]).args(options).arg(format!("127.0.0.1:{port}"));
        Fixture::spawn(command)
    }
}

#[test]
fn a_supervisor_is_left_alone_when_the_port_is_not_the_one_that_it_keeps_up() {
    let (named, kept, other) = (Named::new(&["ensure-up"]), free_port(), free_port());
    let supervisor = named.supervisor(kept, &["--beside", &format!("127.0.0.1:{other}")]);
    let server = supervisor.said_pids()[0];
    eventually("the other port", || !is_free(other));
    let rehearsed = Said::by(&port_kill().args(["-n", "--json", &other.to_string()]).any_stdout().run());
    assert_eq!((rehearsed.pids(), rehearsed.outcome(server)), (vec![server], "would-signal"));
    let said = Said::by(&port_kill().args(["--json", &other.to_string()]).any_stdout().run());
    assert_eq!((said.pids(), said.outcome(server)), (vec![server], "terminated"));
    assert!(is_free(other) && runs(supervisor.pid()));
}

#[test]
fn a_supervisor_is_found_behind_another_that_is_nearer() {
    for between in ["honcho", "nodemon", "foreman"] {
        let (named, port) = (Named::new(&["ensure-up", between]), free_port());
        let supervisor = named.supervisor(port, &["--through", &named.path(between)]);
        let said = free(&supervisor, &["--settle", "300ms"]);
        let process = said.process(supervisor.pid());
        assert_eq!((process.role.as_str(), process.outcome.as_str()), ("supervisor", "terminated"), "{between}");
        assert!(!runs(supervisor.pid()));
    }
}

#[test]
fn a_supervisor_is_stopped_while_it_waits_to_start_its_server_again() {
    let named = Named::new(&["ensure-up"]);
    let port = free_ports(2);
    let next = port + 1;
    let supervisor = named.supervisor(port, &["--paused"]);
    let pid = supervisor.pid();
    let output = port_kill().args(["-n", &port.to_string()]).any_stdout().run();
    assert!(output.stdout.starts_with(&format!("{port}  would-signal  ensure-up ({pid}")), "{}", output.stdout);
    // a filter of what the server is cannot tell whether it is meant
    let output = port_kill().args(["--name", "srv", &port.to_string()]).status(1).any_stdout().any_stderr().run();
    assert!(output.stderr.contains(&format!("hint: ensure-up ({pid}) may start it again: ensure-up --stop {port}\n")));
    // the ports that are asked for may be a range
    let range = format!("{port}-{next}");
    let said = Said::by(&port_kill().args(["--json", "--require", &range]).any_stdout().run());
    let process = said.process(pid);
    assert_eq!((process.role.as_str(), process.outcome.as_str()), ("supervisor", "terminated"));
    assert_eq!(process.signal.as_deref(), Some("SIGTERM"));
    let reason = format!("nothing was listening; ensure-up ({pid}) keeps it up");
    assert_eq!((said.ports[0].free, said.ports[0].reason.as_deref()), (true, Some(reason.as_str())));
    assert!(!runs(pid));
}

#[test]
fn a_paused_supervisor_of_the_other_protocol_is_left_alone() {
    let (named, port) = (Named::new(&["ensure-up"]), free_port());
    let (tcp, udp) = (named.supervisor(port, &["--paused"]), format!("{port}/udp"));
    let of_udp = named.supervisor_of(&udp, port, &["--paused"]);
    let rehearsed = Said::by(&port_kill().args(["-n", "--json", &port.to_string()]).any_stdout().run());
    assert_eq!(rehearsed.pids().len(), 2, "both are meant where no protocol is named: {rehearsed:?}");
    // another port is of UDP alone
    let other = format!("{}/udp", free_port());
    for (protocol, supervisor) in [("tcp", &tcp), ("udp", &of_udp)] {
        let asked = format!("{port}/{protocol}");
        let output = port_kill().args(["--json", &asked, &other]).any_stdout().any_stderr().run();
        let said = Said::by(&output);
        assert_eq!((said.pids(), said.outcome(supervisor.pid())), (vec![supervisor.pid()], "terminated"), "{asked}");
        assert_eq!(output.stderr, format!("{other}  nothing was listening\n"));
        let record = said.ports.iter().find(|one| one.port == port).expect("the port is told");
        let reason = format!("nothing was listening; ensure-up ({}) keeps it up", supervisor.pid());
        assert_eq!((record.protocol.as_deref(), record.reason.as_deref()), (Some(protocol), Some(reason.as_str())));
        assert_eq!(said.ports.len(), 2, "one for each that was asked for: {said:?}");
        assert_eq!(runs(of_udp.pid()), protocol == "tcp");
    }
    assert!(!runs(tcp.pid()));
}

#[test]
fn a_paused_supervisor_is_stopped_whoever_holds_the_port_of_the_other_protocol() {
    let (named, port) = (Named::new(&["ensure-up"]), free_port());
    let supervisor = named.supervisor(port, &["--paused"]);
    let datagrams = Fixture::start(["hold", "udp", &format!("127.0.0.1:{port}")]);
    let said = Said::by(&port_kill().args(["--json", &port.to_string()]).any_stdout().run());
    assert_eq!(said.outcome(supervisor.pid()), "terminated");
    assert_eq!(said.outcome(datagrams.pid()), "terminated");
    let protocols: Vec<Option<&str>> = said.ports.iter().map(|one| one.protocol.as_deref()).collect();
    assert!(said.all_are_free() && protocols == [Some("tcp"), Some("udp")], "{said:?}");
    assert!(!runs(supervisor.pid()));
}

#[test]
fn a_supervisor_of_another_user_will_start_its_server_again_and_that_is_said() {
    if !is_root_or_skipped() {
        return;
    }
    let (named, port) = (Named::new(&["ensure-up"]), free_port());
    let supervisor = named.supervisor(port, &["--paused"]);
    let pid = supervisor.pid();
    let output = port_kill().arg(port.to_string()).user(NOBODY).status(1).any_stdout().any_stderr().run();
    assert!(output.stdout.contains("it is another user's, and starts the server again"), "{}", output.stdout);
    assert!(output.stderr.contains(&format!("ensure-up ({pid}) may start it again: ensure-up --stop {port}\n")));
    assert!(runs(pid));
}

#[test]
fn nodes_own_watcher_is_named_with_what_would_stop_it() {
    let Some(node) = installed("node") else { return };
    let named = Named::new(&[]);
    let port = free_port();
    let file = named.0.path().join("app.js");
    let program = format!(
        "require('http').createServer((_, answer) => answer.end()).listen({port}, '127.0.0.1', \
         () => console.log('ready 127.0.0.1:{port} pid=' + process.pid))"
    );
    fs::write(&file, program).expect("the folder is ours");
    let mut command = Command::new(node);
    command.arg("--watch").arg(&file);
    let watcher = Fixture::spawn(command);
    let output = port_kill().arg(port.to_string()).any_stdout().any_stderr().run();
    let pid = watcher.pid();
    assert_eq!(output.stderr, format!("hint: node --watch ({pid}) may start it again: kill {pid}\n"));
}

#[test]
fn what_serves_a_container_is_refused_with_the_line_that_stops_the_container() {
    for (name, runtime) in [
        ("docker-proxy", "docker"),
        ("containerd-shim", "docker"),
        ("rootlessport", "podman"),
        ("conmon", "podman"),
        ("slirp4netns", "podman"),
        ("pasta", "podman"),
    ] {
        let forwarder = Fixture::named(name, ["-proto", "tcp", &quiet_address()]);
        let port = forwarder.port();
        let fakes = tempfile::tempdir().expect("a temporary folder can be made");
        fake(
            &fakes,
            runtime,
            &format!("printf 'db\\t5432/tcp\\nweb_1\\t0.0.0.0:{port}->80/tcp, [::]:{port}->80/tcp\\n'"),
        );
        let output =
            port_kill().env("PATH", path_with(&fakes)).arg(port.to_string()).status(1).any_stdout().any_stderr();
        let output = output.run();
        assert!(output.stdout.contains("refused") && output.stdout.contains("it forwards to a container"), "{name}");
        let hint = format!("hint: {runtime} stop web_1 stops the container behind port {port}\n");
        assert!(output.stderr.ends_with(&hint), "{name}: {}", output.stderr);
        assert!(runs(forwarder.pid()));
    }
}

#[test]
fn what_a_service_manager_listens_on_is_refused_with_the_line_that_stops_the_unit() {
    let manager = Fixture::named("systemd", ["serve", &quiet_address()]);
    let output = port_kill().arg(manager.port().to_string()).status(1).any_stdout().any_stderr().run();
    assert!(
        output.stdout.contains("refused") && output.stdout.contains("it is a service manager"),
        "{}",
        output.stdout
    );
    let systemctl = "systemctl --user";
    let hint =
        format!("hint: {systemctl} list-sockets names the unit that listens; {systemctl} stop NAME.socket stops it\n");
    assert!(output.stderr.ends_with(&hint), "{}", output.stderr);
    assert!(runs(manager.pid()));
}

#[test]
fn a_service_manager_is_known_by_its_process_too() {
    let named = Named::new(&["systemd"]);
    let mut command = Command::new(named.path("systemd"));
    command.arg0("/sbin/init").args(["serve", &quiet_address()]);
    let manager = Fixture::spawn(command);
    let output = port_kill().arg(manager.port().to_string()).status(1).any_stdout().any_stderr().run();
    assert!(output.stdout.contains("it is a service manager"), "{}", output.stdout);
    assert!(output.stderr.contains("list-sockets names the unit that listens"), "{}", output.stderr);
}

#[test]
fn a_containers_runtime_that_does_not_answer_is_not_waited_for() {
    let proxy = Fixture::named("docker-proxy", ["-proto", "tcp", &quiet_address()]);
    let fakes = tempfile::tempdir().expect("a temporary folder can be made");
    fake(&fakes, "docker", "exec sleep 30");
    fake(&fakes, "podman", "exit 125");
    let output = port_kill().env("PATH", path_with(&fakes)).arg(proxy.port().to_string()).status(1);
    let output = output.any_stdout().any_stderr().run();
    assert!(output.stderr.contains("hint: docker ps --filter publish="), "{}", output.stderr);
    assert!(output.took.as_secs() < 5, "{:?}", output.took);
}

#[test]
fn the_container_is_found_in_a_long_list_by_its_protocol_and_its_address() {
    let proxy = Fixture::named("docker-proxy", ["-proto", "tcp", &quiet_address()]);
    let port = proxy.port();
    let fakes = tempfile::tempdir().expect("a temporary folder can be made");
    let others = format!("names\\t0.0.0.0:{port}->53/udp\\nelsewhere\\t127.0.0.2:{port}->80/tcp\\n");
    // more than a pipe takes
    let many = "i=0; while [ $i -lt 4000 ]; do echo 'another one with a long name'; i=$((i+1)); done";
    fake(&fakes, "docker", &format!("printf '{others}'; {many}; printf 'web\\t127.0.0.1:{port}->80/tcp\\n'"));
    let output = port_kill().env("PATH", path_with(&fakes)).arg(port.to_string()).status(1);
    let output = output.any_stdout().any_stderr().run();
    let hint = format!("hint: docker stop web stops the container behind port {port}\n");
    assert!(output.stderr.ends_with(&hint), "{}", output.stderr);
}

fn fake(folder: &tempfile::TempDir, name: &str, script: &str) {
    let (path, source) = (folder.path().join(name), folder.path().join(format!("{name}.sh")));
    fs::write(&source, format!("#!/bin/sh\n{script}\n")).expect("the folder is ours");
    // not by this process: what it has open for writing, its other threads' children would have open too (ETXTBSY)
    let put = Command::new("install").args(["-m", "755"]).args([&source, &path]).status().expect("install runs");
    assert!(put.success());
}

fn path_with(folder: &tempfile::TempDir) -> String {
    format!("{}:/usr/bin:/bin", folder.path().display())
}
