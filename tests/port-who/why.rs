//! Where a holder comes from.

use std::{fs, os::unix::process::CommandExt, path::PathBuf, process::Command};

use serde_json::Value;

use crate::{
    port_who,
    support::{Fixture, Terminal, eventually, fixture_path, installed, is_root_or_skipped, skipped},
};

fn explained(port: u16) -> Value {
    let output = port_who().args(["--why", "--json", &port.to_string()]).any_stdout().run();
    output.records().remove(0)
}

#[test]
fn ancestors_are_listed_from_the_parent_up_each_with_its_identity() {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{} serve 127.0.0.1:0; :", fixture_path().display())]);
    let server = Fixture::spawn(shell);
    let record = explained(server.port());
    let ancestors = record["ancestors"].as_array().expect("a list");
    assert_eq!((&ancestors[0]["pid"], &ancestors[0]["name"]), (&server.pid().into(), &"sh".into()));
    assert_eq!(ancestors[1]["pid"], std::process::id());
    assert_eq!((&ancestors[0]["pid"], &record["orphan"]), (&record["ppid"], &false.into()));
    for ancestor in ancestors {
        let keys: Vec<&String> = ancestor.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["name", "pid", "start_id"]);
        assert!(ancestor["start_id"].is_u64());
    }
    let starter = record["started_by"].as_object().expect("at least the shell started it");
    let keys: Vec<&String> = starter.keys().collect();
    assert_eq!(keys, ["kind", "name", "pid", "runtime", "start_id"]);

    let table = port_who().args(["--why", "--table", &server.port().to_string()]).any_stdout().run().stdout;
    let note = table.lines().nth(2).expect("a line of its own");
    assert!(note.trim_start().starts_with("└ fixture ← sh"), "{table}");
}

#[test]
fn a_server_whose_parent_ended_is_an_orphan_with_what_is_left_of_its_past() {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{} serve 127.0.0.1:0 &", fixture_path().display())]);
    // SAFETY: setsid(2) is async-signal-safe and touches only the new process.
    unsafe { shell.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
    let mut server = Fixture::spawn(shell);
    server.wait(); // the shell
    let port = server.port().to_string();
    let record = explained(server.port());
    assert_eq!(record["orphan"], true, "{record}");
    assert_ne!(record["ppid"], server.pid());
    let plain = port_who().args(["--json", &port]).any_stdout().run().records().remove(0);
    assert_eq!((&plain["orphan"], plain.get("ancestors")), (&true.into(), None));
    let table = port_who().args(["--why", "--table", &port]).any_stdout().run().stdout;
    let note = format!("└ orphan: its parent ended; started in session {}", server.pid());
    assert!(table.contains(&note) && table.contains(", folder "), "{table}");
}

#[test]
fn an_orphans_living_session_still_says_who_started_it() {
    let script = format!("({} serve 127.0.0.1:0 &); exec cat", fixture_path().display());
    let terminal = Terminal::start(Command::new("sh").args(["-c", &format!("sh -c '{script}'; :")]), 200, 24);
    terminal.shows("ready 127.0.0.1:");
    let screen = terminal.screen();
    let port = screen.split("127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a port");
    let record = explained(port.parse().expect("a port"));
    assert_eq!((&record["orphan"], &record["started_by"]["kind"]), (&true.into(), &"shell".into()), "{record}");
    assert_eq!(record["started_by"]["pid"], terminal.pid());
    port_who().args(["--why", "--table", port]).any_stdout().run();
    let pid = i32::try_from(record["pid"].as_u64().expect("a PID")).expect("a PID");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("it is ours");
}

#[test]
fn a_server_in_tmux_was_started_by_tmux() {
    let Some(tmux) = installed("tmux") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (socket, said) = (folder.path().join("tmux"), folder.path().join("said"));
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&tmux);
        command.env_remove("TMUX").arg("-S").arg(&socket).args(["-f", "/dev/null"]).args(arguments);
        command.status().is_ok_and(|status| status.success())
    };
    let script = format!("{} serve 127.0.0.1:0 >{}", fixture_path().display(), said.display());
    assert!(run(&["new-session", "-d", "sh", "-c", &format!("{script}; :")]));
    let mut port = None;
    eventually("a server in tmux", || {
        let text = fs::read_to_string(&said).unwrap_or_default();
        port = text.split_once('\n').and_then(|(ready, _)| ready.split(':').nth(1)?.split(' ').next()?.parse().ok());
        port.is_some()
    });
    let record = explained(port.expect("it was said"));
    let table = port_who().args(["--why", "--table", &record["port"].to_string()]).any_stdout().run().stdout;
    assert!(run(&["kill-server"]));
    assert_eq!((&record["started_by"]["kind"], &record["started_by"]["name"]), (&"tmux".into(), &"tmux".into()));
    assert_eq!(record["orphan"], false);
    assert!(table.contains("└ fixture ← sh ← tmux\n"), "{table}");
}

#[test]
fn a_supervisor_is_named_whatever_its_process_is_called() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let script = folder.path().join("nodemon");
    fs::write(&script, format!("{} serve 127.0.0.1:0; :", fixture_path().display())).expect("the folder is ours");
    let mut shell = Command::new("sh");
    shell.arg(&script);
    let server = Fixture::spawn(shell);
    let record = explained(server.port());
    let starter = &record["started_by"];
    assert_eq!((&starter["kind"], &starter["name"]), (&"supervisor".into(), &"nodemon".into()));
    assert_eq!(starter["pid"], server.pid());
    let table = port_who().args(["--why", "--table", &server.port().to_string()]).any_stdout().run().stdout;
    assert!(table.ends_with("└ fixture ← nodemon\n"), "{table}");
}

/// A control group of the test's own, where one may be made.
struct ControlGroup(PathBuf);

impl ControlGroup {
    fn make(name: &str) -> Option<Self> {
        let roots = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
        let root = roots.into_iter().find(|root| fs::exists(format!("{root}/cgroup.procs")).unwrap_or(false));
        let path = PathBuf::from(root?).join(format!("port-who-test-{}", std::process::id())).join(name);
        match fs::create_dir_all(&path) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                skipped(&format!("no control group may be made: {error}"));
                None
            }
        }
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        eventually("an empty control group", || fs::remove_dir(&self.0).is_ok());
        let _ = self.0.parent().map(fs::remove_dir);
    }
}

#[test]
fn units_and_containers_are_told_from_the_control_group() {
    if !is_root_or_skipped() {
        return;
    }
    let id = "3f2a9c1b7d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";
    for (name, kind, expected, runtime, note) in [
        ("web.service", "systemd", "web.service", Value::Null, ", unit web.service\n"),
        (&format!("docker-{id}.scope"), "container", id, "docker".into(), ", docker container 3f2a9c1b7d4e\n"),
    ] {
        let Some(group) = ControlGroup::make(name) else { return };
        // not below a shell or a multiplexer that the tests may run in: those are nearer than a unit
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{} serve 127.0.0.1:0 &", fixture_path().display())]);
        // SAFETY: setsid(2) is async-signal-safe and touches only the new process.
        unsafe { shell.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
        let mut server = Fixture::spawn(shell);
        server.wait();
        let pid = server.pids().into_iter().find(|&pid| pid != server.pid()).expect("the server says its PID");
        fs::write(group.0.join("cgroup.procs"), pid.to_string()).expect("root may move a process");
        let record = explained(server.port());
        let starter = &record["started_by"];
        assert_eq!(
            (&starter["kind"], &starter["name"], &starter["runtime"]),
            (&kind.into(), &expected.into(), &runtime)
        );
        assert_eq!(record["orphan"], false, "somebody owns it");
        let table = port_who().args(["--why", "--table", &server.port().to_string()]).any_stdout().run().stdout;
        assert!(table.ends_with(note), "{table}");
        drop(server);
    }
}
