//! Where a holder comes from.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    port_who,
    support::{
        Fixture, Terminal, eventually, fixture_path, installed, is_root_or_skipped, schema::checked, skipped, unshare,
    },
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
    assert_ne!(record["started_by"]["pid"], server.pid(), "that shell is a program's own: {record}");

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
    let fixture = fixture_path();
    for (line, is_orphan) in [
        (format!("({} serve 127.0.0.1:0 &)", fixture.display()), true),
        // as npm runs its scripts: that shell is nobody's
        (format!("sh -c 'sh -c \"{} serve 127.0.0.1:0; :\"; :'", fixture.display()), false),
    ] {
        let mut terminal = Terminal::start(&mut Command::new("sh"), 200, 24);
        terminal.types(&format!("{line}\n"));
        terminal.shows("ready 127.0.0.1:");
        let screen = terminal.screen();
        let ready = screen.split("ready 127.0.0.1:").nth(1);
        let port = ready.and_then(|rest| rest.split_whitespace().next()).expect("a port");
        let record = explained(port.parse().expect("a port"));
        let starter = &record["started_by"];
        assert_eq!((&record["orphan"], &starter["kind"]), (&is_orphan.into(), &"shell".into()), "{record}");
        assert_eq!(starter["pid"], terminal.pid(), "the one that was typed into: {record}");
        port_who().args(["--why", "--table", port]).any_stdout().run();
        let pid = i32::try_from(record["pid"].as_u64().expect("a PID")).expect("a PID");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("it is ours");
    }
}

/// Starts a server whose parent ends, and waits until it listens.
fn abandoned(port: u16, configure: impl FnOnce(&mut Command)) -> Abandoned {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{} serve 127.0.0.1:{port} &", fixture_path().display())]);
    configure(&mut shell);
    // SAFETY: setsid(2) is async-signal-safe and touches only the new process.
    unsafe { shell.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
    assert!(shell.status().is_ok_and(|status| status.success()));
    let mut record = Value::Null;
    eventually("a server", || {
        let output = port_who().args(["--json", &port.to_string()]).finish();
        record = output.records().pop().unwrap_or_default();
        record["pid"].is_u64()
    });
    Abandoned(record["pid"].as_u64().and_then(|pid| i32::try_from(pid).ok()).expect("a PID"))
}

/// A server that nobody waits for.
struct Abandoned(i32);

impl Drop for Abandoned {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.0), nix::sys::signal::Signal::SIGKILL);
    }
}

#[test]
fn a_service_of_ensure_up_is_named_with_its_folder_and_is_no_orphan() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (log, record) = (folder.path().join("8000.log"), folder.path().join("8000.json"));
    let service = serde_json::json!({ "folder": "/srv/shop", "name": "api" });
    let written = serde_json::json!({ "service": service, "log": log });
    fs::write(&record, written.to_string()).expect("the folder is ours");
    let output = fs::File::create(&log).expect("the folder is ours");
    let [marked, recorded, odd, neither] = [(); 4].map(|()| crate::support::free_port());
    let _marked = abandoned(marked, |shell| {
        shell.env("ENSURE_UP_SERVICE", service.to_string()).stdout(Stdio::null());
    });
    // a title took the place of its environment
    let _recorded = abandoned(recorded, |shell| {
        shell.stdout(output);
    });
    let bytes = serde_json::json!({ "folder": b"/srv/caf\xe9", "name": "api" });
    let _odd = abandoned(odd, |shell| {
        shell.env("ENSURE_UP_SERVICE", bytes.to_string()).stdout(Stdio::null());
    });
    let _neither = abandoned(neither, |shell| {
        shell.env("ENSURE_UP_SERVICE", "nonsense").stdout(Stdio::null());
    });
    for port in [marked, recorded] {
        let record = explained(port);
        let starter = &record["started_by"];
        let keys: Vec<&String> = starter.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["folder", "kind", "name", "pid", "runtime", "service", "start_id"]);
        assert_eq!((&starter["kind"], &starter["name"]), (&"ensure_up".into(), &"ensure-up".into()), "{record}");
        assert_eq!((&starter["service"], &starter["folder"]), (&"api".into(), &"/srv/shop".into()));
        assert_eq!((&record["orphan"], &starter["pid"]), (&false.into(), &Value::Null));
        let table = port_who().args(["--why", "--table", &port.to_string()]).any_stdout().run().stdout;
        assert!(table.ends_with("└ fixture ← ensure-up, service api, folder /srv/shop\n"), "{table}");
        let plain = port_who().args(["--json", &port.to_string()]).any_stdout().run().records().remove(0);
        assert_eq!(plain["orphan"], false);
    }
    // a folder whose name is no text
    let record = explained(odd);
    assert_eq!(
        (&record["orphan"], &record["started_by"]["folder"]),
        (&false.into(), &"/srv/caf\u{fffd}".into()),
        "{record}"
    );
    assert_eq!(explained(neither)["orphan"], true);
}

#[test]
fn the_first_process_of_a_container_is_no_stranger_to_what_it_starts() {
    let Some(unshare) = unshare(&["-pf", "--mount-proc"]) else { return };
    let (fixture, own) = (fixture_path(), crate::BINARY);
    let [started, left] = [(); 2].map(|()| crate::support::free_port());
    let script = format!(
        "{fixture} serve 127.0.0.1:{started} & setsid sh -c '{fixture} serve 127.0.0.1:{left} &'
         until test -n \"$({own} {started})\" && test -n \"$({own} {left})\"; do :; done
         {own} --json {started} {left}",
        fixture = fixture.display()
    );
    let output = Command::new(unshare).args(["-pf", "--mount-proc", "sh", "-c", &script]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let written: Vec<&str> = said.lines().filter(|line| line.starts_with('{')).collect();
    let records = checked("port-who", &written.join("\n"));
    let orphans: Vec<(&Value, &Value)> = records.iter().map(|record| (&record["port"], &record["orphan"])).collect();
    let mut expected = [(Value::from(started), Value::from(false)), (Value::from(left), Value::from(true))];
    expected.sort_by_key(|(port, _)| port.as_u64());
    assert_eq!(orphans, expected.iter().map(|(port, orphan)| (port, orphan)).collect::<Vec<_>>(), "{output:?}");
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
