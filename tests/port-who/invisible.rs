//! Held, but by whom cannot be seen: never said to be nobody.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    BINARY, Record, decode, port_who,
    support::{Fixture, NOBODY, Tool, eventually, installed, is_root_or_skipped, unshare},
};

#[test]
fn another_users_server_is_a_row_without_a_process_and_a_hint() {
    if !is_root_or_skipped() {
        return;
    }
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let hint = format!("hint: sudo port-who {port} shows the process\n");
    let as_nobody = || port_who().arg(&port).user(NOBODY);

    as_nobody().stderr(&hint).run(); // bare PIDs: none to print, and yet status 0
    as_nobody().arg("-q").run();
    let table = format!(
        "{0}PORT  PROTO  ADDRESS    PID  USER  UP  COMMAND\n{port}  tcp    127.0.0.1    ?  root   ?  (not visible to you)\n",
        " ".repeat(port.len() - 4)
    );
    as_nobody().arg("--table").stderr(&hint).stdout(table).run();

    let records: Vec<Record> = decode(&as_nobody().arg("--json").stderr(&hint).any_stdout().run().stdout);
    let [record] = records.as_slice() else { panic!("one row: {records:?}") };
    assert_eq!((record.uid, record.user.as_deref()), (Some(0), Some("root")), "the socket's user");
    assert!(record.inode.is_some() && record.port == server.port() && record.state == "listen");
    let unknown = (record.pid, record.start_id, record.ppid, &record.name, &record.command, record.orphan);
    assert_eq!(unknown, (None, None, None, &None, &None, None));
    assert_eq!(
        (&record.executable, &record.cwd, &record.started_at, record.uptime_seconds),
        (&None, &None, &None, None)
    );
}

#[test]
fn filters_do_not_turn_a_holder_that_may_match_into_nobody() {
    if !is_root_or_skipped() {
        return;
    }
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let as_nobody = |arguments: &[&str]| port_who().args(arguments).arg(&port).user(NOBODY);
    for may_match in [&["--name", "fixture"][..], &["--name", "another"], &["--match", "x"], &["--user", "root"]] {
        as_nobody(may_match).any_stderr().run();
    }
    as_nobody(&["--user", "nobody"]).status(1).run();
}

#[test]
fn a_user_sees_the_own_servers_and_what_is_not_there() {
    if !is_root_or_skipped() {
        return;
    }
    let server = Fixture::of_nobody(["serve", "127.0.0.1:0"]);
    port_who().arg(server.port().to_string()).user(NOBODY).stdout(crate::lines(&[server.pid()])).run();
    port_who().arg(crate::support::free_port().to_string()).user(NOBODY).status(1).run();
}

#[test]
fn a_server_that_gives_its_memory_back_is_waited_for_and_not_taken_for_somebody_elses() {
    if !is_root_or_skipped() {
        return;
    }
    let server = Fixture::of_nobody(["serve", "--touch", "512", "127.0.0.1:0"]);
    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGKILL).expect("it is ours");
    let stat = || proc_tree::process::stat(server.pid()).expect("/proc is readable");
    eventually("it is on its way out", || stat().is_none_or(|stat| stat.is_ending));
    port_who().arg(server.port().to_string()).user(NOBODY).status(1).run();
}

#[test]
fn a_socket_in_flight_is_held_though_no_process_has_it_open() {
    let server = Fixture::start(["hold", "in-flight", "127.0.0.1:0"]);
    let output = port_who().args(["--json", &server.port().to_string()]).any_stdout().any_stderr().run();
    let records: Vec<Record> = decode(&output.stdout);
    assert_eq!((records.len(), records[0].pid, records[0].port), (1, None, server.port()));
    assert!(output.stderr.starts_with("hint: "), "{}", output.stderr);
}

#[test]
fn an_owner_in_another_pid_namespace_is_invisible_and_root_is_told_where_to_look() {
    let Some(unshare) = unshare(&["--pid", "--fork", "--mount-proc"]) else { return };
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let port = server.port().to_string();
    let inside = Tool::new(&unshare.to_string_lossy()).args(["--pid", "--fork", "--mount-proc", BINARY, &port]);
    let output = inside.any_stderr().run();
    let expected = format!("hint: no process here has port {port} open: ");
    assert!(output.stderr.starts_with(&expected), "{}", output.stderr);
}

/// The tool as another user runs it where /proc is mounted with this `hidepid`; `None` where that cannot be set up.
fn with_hidepid(level: u8, arguments: &str) -> Option<(Tool, tempfile::TempDir)> {
    let (unshare, setpriv) = (unshare(&["--mount"])?, installed("setpriv")?);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = folder.path().join("port-who");
    std::fs::copy(BINARY, &copy).expect("the binary can be copied");
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may give it away");
    let script = format!(
        "mount -t proc -o hidepid={level} proc /proc && exec {} --reuid {NOBODY} --regid {NOBODY} --clear-groups {} {arguments}",
        setpriv.display(),
        copy.display(),
    );
    Some((Tool::new(&unshare.to_string_lossy()).args(["--mount", "sh", "-c", &script]), folder))
}

#[test]
fn processes_that_proc_hides_are_invisible_and_not_nobody() {
    for level in [1, 2] {
        let server = Fixture::start(["serve", "127.0.0.1:0"]);
        let Some((tool, _folder)) = with_hidepid(level, &server.port().to_string()) else { return };
        tool.stderr(format!("hint: sudo port-who {} shows the process\n", server.port())).run();
    }
}

#[test]
fn a_holder_is_explained_as_far_as_proc_shows_where_it_comes_from() {
    if !is_root_or_skipped() {
        return;
    }
    for level in [1, 2] {
        let server = Fixture::of_nobody(["serve", "127.0.0.1:0"]); // its parent and the leader of its session are root's
        let Some((tool, _folder)) = with_hidepid(level, &format!("--why --json {}", server.port())) else { return };
        let record = tool.any_stdout().run().records().remove(0);
        assert_eq!((&record["pid"], &record["ancestors"]), (&server.pid().into(), &serde_json::json!([])));
        assert!(record["orphan"].is_null(), "{record}");
    }
}

#[test]
fn without_a_process_table_it_fails_and_does_not_say_nobody() {
    let Some(unshare) = unshare(&["--mount"]) else { return };
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let script = format!("mount -t tmpfs none /proc && exec {BINARY} {}", server.port());
    Tool::new(&unshare.to_string_lossy())
        .args(["--mount", "sh", "-c", &script])
        .status(125)
        .stderr("port-who: cannot read the process table: /proc shows no processes\n")
        .run();
}
