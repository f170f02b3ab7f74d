//! What bounds a server that runs: its memory, that somebody uses it, the process that it is for.

use std::{
    net::TcpStream,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use crate::{
    kept::scripted,
    site::{Site, line},
    support::{eventually, runs},
};

/// A process that lives until the test ends it.
struct Owner(Child);

impl Owner {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().expect("a process"))
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_that_uses_too_much_memory_is_started_again_and_says_how_much() {
    let site = Site::new();
    let grown = scripted(r#"[ $(wc -l < count) -gt 1 ] && exec "$@"; exec "$1" "$2" --touch 64 "$3""#);
    let line = line(&site.run(&["--max-memory", "48M", "--backoff", "20ms", "--json"], &grown).run());
    assert_eq!(line.action, "started");
    site.generation(2);
    let log = site.logged();
    let said = log.lines().find(|line| line.contains("it used ")).unwrap_or_else(|| panic!("{log}"));
    assert!(
        said.contains(" MiB (pss), more than 48.0 MiB") || said.contains(" MiB (rss), more than 48.0 MiB"),
        "{said}"
    );
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.restarts, entry.reloads), ("running", 1, 0));
    let why = entry.reason.expect("a reason");
    assert!(
        why.starts_with("last restart at 2") && why.contains("Z: it used ") && why.contains(", more than 48.0 MiB"),
        "{why}"
    );
}

#[test]
fn a_server_that_nobody_uses_is_stopped_and_the_next_call_starts_it() {
    let site = Site::new();
    let health = format!("tcp://127.0.0.1:{}", site.port);
    let options = [
        "--idle-stop",
        "1s",
        "--liveness",
        "3",
        "--interval",
        "100ms",
        "--health",
        "/",
        "--health",
        &health,
        "--health",
        "file:count",
    ];
    let first = line(&site.run(&[&options[..], &["--json"]].concat(), &site.server(&[])).run());
    let supervisor = site.supervisor();
    // neither its supervisor's own questions nor those of --status are use
    let began = Instant::now();
    eventually("a rest", || {
        thread::sleep(Duration::from_millis(100));
        site.entry().state == "idle"
    });
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let entry = site.entry();
    assert_eq!((entry.running, entry.healthy, entry.pid), (false, false, None));
    assert_eq!(entry.reason.as_deref(), Some("had no connection for 1s"));
    eventually("an end of all", || site.processes().is_empty());
    assert!(!runs(supervisor.pid) && !site.file("asked").exists());
    let second = line(&site.run(&[&options[..], &["--json"]].concat(), &site.server(&[])).run());
    assert_eq!((second.action.as_str(), second.pid == first.pid), ("started", false));
    site.tool().arg("--stop").run();
    assert!(site.is_stopped());
}

#[test]
fn one_that_is_on_its_way_to_rest_is_not_up() {
    // it serves until it is killed, or nobody any more and takes its time
    let drains = r#""$@" & trap "kill $!; wait $!; sleep 1; exit 0" TERM; wait"#;
    for (ends, grace) in [(None, "1s"), (Some(scripted(drains)), "20s")] {
        let site = Site::new();
        let command = ends.unwrap_or_else(|| site.server(&["--ignore-term"]));
        let options = ["--idle-stop", "500ms", "--grace", grace];
        site.run(&options, &command).any_stdout().run();
        eventually("its stop", || site.recorded("is_being_stopped") == true);
        let line = line(&site.run(&[&options[..], &["--json"]].concat(), &command).run());
        assert_eq!((line.action.as_str(), site.started().len()), ("started", 2), "{line:?}");
        assert!(site.get().ends_with("ok\n") && !runs(site.started()[0]), "{line:?}");
        site.tool().arg("--stop").run();
    }
}

#[test]
fn a_server_that_is_used_is_not_idle() {
    let site = Site::new();
    site.run(&["--idle-stop", "700ms"], &site.server(&[])).any_stdout().run();
    // a connection that is over at once, again and again
    for _ in 0..8 {
        thread::sleep(Duration::from_millis(250));
        assert!(site.get().ends_with("ok\n"));
    }
    // one that stays open
    let open = TcpStream::connect(("127.0.0.1", site.port)).expect("the server is up");
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(site.recorded("phase"), "ready");
    drop(open);
    eventually("a rest", || site.recorded("phase") == "idle");
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_server_ends_with_its_owner() {
    let (site, owner) = (Site::new(), Owner::new());
    site.run(&["--owner", &owner.pid()], &site.server(&["--forks", "1"])).any_stdout().run();
    let pid = owner.pid();
    assert_eq!(site.entry().state, "running");
    drop(owner);
    eventually("an end of all", || site.processes().is_empty());
    let entry = site.entry();
    let reason = format!("its owner (pid {pid}) ended");
    assert_eq!((entry.state.as_str(), entry.reason.as_deref()), ("stopped", Some(reason.as_str())));
}

#[test]
fn an_owner_that_is_not_there_is_status_two_and_nothing_is_started() {
    let site = Site::new();
    let output = site.run(&["--owner", "4294967295"], &site.server(&[])).status(2).run();
    assert!(output.stderr.contains("no process has PID 4294967295"), "{}", output.stderr);
    assert!(site.started().is_empty());
}

#[test]
fn a_server_with_an_owner_is_not_kept_up_unless_that_is_asked_for() {
    let (site, owner) = (Site::new(), Owner::new());
    let options = ["--owner", &owner.pid()];
    site.run(&options, &site.server(&["--die-after", "400"])).any_stdout().run();
    // a process leaves its folder before it has ended
    eventually("an end of all", || site.processes().is_empty() && site.entry().state == "stopped");
    assert!(site.entry().reason.is_some_and(|reason| reason.starts_with("ended with status 7")));
    assert_eq!(site.started().len(), 1);
    // one that does not come up is told as without a supervisor
    let output = site.run(&options, &scripted("exit 9")).status(3).run();
    assert!(output.stderr.starts_with("ensure-up: sh ended with status 9, before it was ready"), "{}", output.stderr);
}

#[test]
fn what_is_told_by_connections_needs_a_tcp_port() {
    let site = Site::new();
    let call = site.bare().args(["--name", "worker", "--idle-stop", "1s", "--", "sleep", "60"]);
    let output = call.status(2).any_stderr().run();
    assert!(output.stderr.contains("--idle-stop needs a TCP port"), "{}", output.stderr);
}

#[test]
fn a_server_that_a_command_uses_is_not_idle() {
    let site = Site::new();
    let options = ["--idle-stop", "400ms", "--then", "sleep 2; kill -0 $(cat count)"];
    site.run(&options, &site.server(&[])).run();
    assert!(site.processes().is_empty(), "and ends with the command that it was started for");
}
