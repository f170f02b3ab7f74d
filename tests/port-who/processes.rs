//! Asked by process: which ports has this one, or what it started?

use std::{
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    BINARY, Record, decode, lines, port_who,
    support::{Fixture, NOBODY, eventually, fixture_path, is_root_or_skipped, skipped},
};

/// A server below a shell, as below `npm start`.
fn below_a_shell() -> Fixture {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{} serve --forks 1 127.0.0.1:0; :", fixture_path().display())]);
    Fixture::spawn(shell)
}

/// Returns the PIDs of the server itself.
fn holders(below: &Fixture) -> Vec<u32> {
    below.pids().into_iter().filter(|&pid| pid != below.pid()).collect()
}

#[test]
fn a_process_is_asked_about_with_what_it_started_and_nobody_else() {
    let (wrapped, other) = (below_a_shell(), Fixture::start(["serve", "127.0.0.1:0"]));
    let (shell, stranger) = (wrapped.pid().to_string(), other.pid().to_string());
    let found = holders(&wrapped);
    port_who().args(["--pid", &shell]).stdout(lines(&found)).run();
    port_who().args(["--pid", &stranger]).stdout(lines(&[other.pid()])).run();
    let mut both = [found.clone(), vec![other.pid()]].concat();
    both.sort_unstable();
    port_who().args(["--pid", &shell, "--pid", &stranger]).stdout(lines(&both)).run();
    // what is asked about may be in the tree of another
    port_who().args(["--pid", &shell, "--pid", &found[0].to_string()]).stdout(lines(&found)).run();

    let port = wrapped.port().to_string();
    port_who().args(["--pid", &shell, &port]).stdout(lines(&found)).run();
    port_who().args(["--pid", &shell, "--udp"]).status(1).run();
    port_who().args(["--pid", &shell, "--name", "sh"]).status(1).run();
    port_who().args(["--pid", &stranger, &port]).status(1).run();
    let records: Vec<Record> = decode(&port_who().args(["--json", "--pid", &shell]).any_stdout().run().stdout);
    assert_eq!((crate::pids(&records), records[0].port), (found, wrapped.port()));
    let table = port_who().args(["--table", "--why", "--pid", &shell]).any_stdout().run().stdout;
    assert!(table.contains("  └ fixture ← sh"), "{table}");
}

#[test]
fn what_left_by_a_double_fork_is_found_where_all_of_the_session_is_the_processs_own() {
    let script = format!("({} serve 127.0.0.1:0 &); exec sleep 60", fixture_path().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    // SAFETY: setsid(2) is async-signal-safe and touches only the new process.
    unsafe { shell.pre_exec(|| Ok(rustix::process::setsid().map(drop)?)) };
    let leader = Fixture::spawn(shell);
    port_who().args(["--pid", &leader.pid().to_string()]).stdout(lines(&holders(&leader))).run();

    // in a session with others it may be anybody's
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]);
    let member = Fixture::spawn(shell);
    port_who().args(["--pid", &member.pid().to_string()]).status(1).run();
}

#[test]
fn a_process_that_is_not_there_is_named_and_a_pid_that_is_none_is_a_usage_error() {
    let mut gone = Command::new("true").spawn().expect("true runs");
    gone.wait().expect("it ends");
    let (gone, said) = (gone.id().to_string(), format!("port-who: process {} does not exist\n", gone.id()));
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    port_who().args(["--pid", &gone]).status(1).stderr(said.clone()).run();
    port_who().args(["--pid", &gone, "--watch"]).status(1).stderr(said.clone()).run();
    let both = ["--pid", &gone, "--pid", &server.pid().to_string()];
    port_who().args(both).stdout(lines(&[server.pid()])).stderr(said).run();
    for text in ["0", "x", "-1", "4294967296"] {
        let said = format!("port-who: invalid PID \"{text}\": expected a number from 1 to 2147483647\n");
        port_who().arg(format!("--pid={text}")).status(2).stderr(said).run();
    }
}

#[test]
fn who_may_not_be_looked_into_does_not_hold_nothing() {
    if !is_root_or_skipped() {
        return;
    }
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let pid = server.pid().to_string();
    let said =
        format!("port-who: cannot look into fixture ({pid}): permission denied\nhint: root may see it: use sudo\n");
    port_who().args(["--pid", &pid]).user(NOBODY).status(125).stderr(&said).run();
    let watch = port_who().args(["--pid", &pid, "--count=1"]).user(NOBODY).status(125).any_stderr().run();
    assert!(watch.stderr.ends_with(&said), "{}", watch.stderr);
    // where nobody is on the ports there is nothing to be seen either
    let free = crate::support::free_port().to_string();
    port_who().args(["--pid", &pid, &free]).user(NOBODY).status(1).run();
}

#[test]
fn a_process_in_another_network_is_asked_about_all_the_same() {
    let server = Fixture::start(["hold", "netns", "0.0.0.0:18000"]);
    if let Some(word) = server.said.iter().find_map(|word| word.strip_prefix("refused:")) {
        skipped(&format!("no network namespace may be made: {word}"));
        return;
    }
    let pid = server.pid().to_string();
    port_who().args(["--pid", &pid]).stdout(lines(&[server.pid()])).run();
    let record: Value = port_who().args(["--pid", &pid, "--json"]).any_stdout().run().records().remove(0);
    let own = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata("/proc/self/ns/net").expect("it is our own"));
    assert!(record["port"] == 18000 && record["netns"].is_u64() && record["netns"] != own, "{record}");
    let table = port_who().args(["--pid", &pid, "--table"]).any_stdout().run().stdout;
    assert!(table.lines().next().is_some_and(|titles| titles.contains("  NETNS ")), "{table}");
}

#[test]
fn a_watch_ends_with_the_last_of_the_processes() {
    let mut server = Fixture::start(["serve", "127.0.0.1:0"]);
    let mut watch = Command::new(BINARY)
        .args(["--json", "--watch=20ms", "--pid", &server.pid().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    let mut first = [0];
    std::io::Read::read_exact(watch.stdout.as_mut().expect("a pipe"), &mut first).expect("a record comes at once");
    server.child().kill().expect("it is ours");
    server.wait();
    let mut status = None;
    eventually("the end of the watch", || {
        status = watch.try_wait().expect("a child can be waited for");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0), "it had found something");
}
