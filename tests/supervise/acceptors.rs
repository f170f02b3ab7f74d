//! Who accepts is the server: a daemon that forked away, and the server behind a watcher that lives on.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::{
    kept::{killed, scripted},
    site::{Site, line, send, shell},
    support::{eventually, runs, side_by_side, skipped},
};

#[test]
fn a_daemon_that_forked_away_is_started_again_and_the_reason_is_its_own_end() {
    for form in ["detach", "leave"] {
        let site = Site::new();
        let line = site.kept(&[], &site.odd(&[form], &["--forks", "1"]));
        assert!(line.pid.is_some(), "{form}");
        // a launcher that takes its time to end is the server until then
        eventually("its own PID, not its launcher's", || site.recorded("pid") == site.started()[0]);
        send(site.started()[0], Signal::SIGKILL);
        site.generation(2);
        let entry = site.entry();
        assert_eq!((entry.state.as_str(), entry.healthy, entry.restarts), ("running", true, 1), "{form}");
        assert!(site.logged().contains("it was ended by SIGKILL; "), "{form}: {}", site.logged());
    }
}

#[test]
fn a_daemon_whose_launcher_ends_after_it_was_ready_is_started_again() {
    // a supervisor that is halted sees both ends at once
    for (forks, is_halted) in [(&["--forks", "1"][..], false), (&[], true)] {
        let site = Site::new();
        let launcher = shell(r#""$@" & until [ -e left ]; do sleep 0.02; done"#, &["sh".to_owned()]);
        let command = [launcher, site.server(forks)].concat();
        let launcher = site.kept(&[], &command).pid.expect("a PID");
        assert_ne!(launcher, site.started()[0]);
        if is_halted {
            send(site.supervisor().pid, Signal::SIGSTOP);
        }
        site.write("left", "");
        eventually("the launcher's end", || !runs(launcher));
        eventually("its daemon on record", || is_halted || site.recorded("pid") == site.started()[0]);
        send(site.started()[0], Signal::SIGKILL);
        eventually("the daemon's end", || !runs(site.started()[0]));
        if is_halted {
            send(site.supervisor().pid, Signal::SIGCONT);
        }
        site.generation(2);
        assert!(site.logged().contains("it was ended by SIGKILL; "), "{}", site.logged());
    }
}

#[test]
fn the_pid_that_is_told_is_the_daemons_where_its_launcher_ends_soon_after_it_serves() {
    for options in [&[][..], &["--keep-up"]] {
        let site = Site::new();
        let line = line(&site.run(&[options, &["--json"]].concat(), &site.odd(&["linger", "100"], &[])).run());
        assert_eq!(line.pid, Some(site.started()[0]));
    }
}

#[test]
fn a_daemon_that_fails_by_itself_is_told_by_its_status() {
    let site = Site::new();
    site.kept(&["--max-restarts", "1/60s"], &site.odd(&["detach"], &["--die-after", "1000"]));
    eventually("an open breaker", || site.recorded("phase") == "broken");
    assert_eq!(site.started().len(), 2);
    assert!(site.logged().contains("giving up: 2 crashes within 1m; it ended with status 7"), "{}", site.logged());
}

#[test]
fn a_daemon_that_fails_before_its_launcher_ends_is_told_by_its_status() {
    let site = Site::new();
    let command = site.odd(&["linger", "500"], &["--die-after", "0", "--delay", "60000"]);
    let output = site.keep(&["--max-restarts", "0/60s"], &command).status(5).run();
    assert!(output.stderr.contains("it ended with status 7"), "{}", output.stderr);
    let output = site.run(&["--name", "alone"], &command).status(3).run();
    assert!(output.stderr.contains(" ended with status 7 "), "{}", output.stderr);
}

#[test]
fn a_server_that_ends_behind_a_watcher_that_lives_on_is_started_again() {
    let site = Site::new();
    let command = scripted(r#"sh -c 'echo $$ > server; exec "$@"' sh "$@" & wait $!; exec sleep 60"#);
    site.kept(&[], &command);
    let server = || std::fs::read_to_string(site.path("server")).ok()?.trim().parse::<u32>().ok();
    let first = server().expect("a PID");
    send(first, Signal::SIGKILL);
    // nobody of it holds the port for five seconds
    site.generation(2);
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy, entry.restarts), ("running", true, 1));
    let log = site.logged();
    let said = format!("it lost its server: fixture (pid {first}) {} and port {} stayed free; ", killed(), site.port);
    assert!(log.contains(&said), "{log}");
    assert!(server().is_some_and(|second| second != first && runs(second)));
}

#[test]
fn a_server_that_crashes_is_started_again_though_its_launcher_ends_well_then() {
    if killed() == "ended" {
        skipped("this kernel does not tell how a process ended that is no child (Linux 6.15)");
        return;
    }
    let site = Site::new();
    // as `next dev` does
    site.kept(&[], &scripted(r#""$@" & wait $!; exit 0"#));
    let server = site.recorded("holders")[0]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a PID");
    send(server, Signal::SIGKILL);
    site.generation(2);
    assert!(site.logged().contains(" it was ended by SIGKILL; "), "{}", site.logged());
}

#[test]
fn a_server_that_ends_behind_a_watcher_that_has_its_socket_is_started_again() {
    side_by_side([&[][..], &["--hold-socket"]], |options| {
        let site = Site::new();
        let server = ["--watched", "--inherited"];
        let first = site.kept(options, &site.server(if options.is_empty() { &server[..1] } else { &server }));
        let (watcher, worker) = (site.started()[0], *first.pids.last().expect("a worker"));
        assert_eq!(first.pids, [watcher, worker]);
        send(worker, Signal::SIGKILL);
        eventually("an honest state", || !site.entry().healthy);
        assert!(runs(watcher), "who holds the port for nobody lives on");
        // nobody accepts for five seconds, though everybody can connect
        let again = site.kept(options, &site.server(if options.is_empty() { &server[..1] } else { &server }));
        assert_eq!((again.action.as_str(), again.restarts), ("joined", 1), "{}", site.logged());
        let said = format!("it lost its server: fixture (pid {worker}) ended and port {} is listened on", site.port);
        assert!(site.logged().contains(&said), "{}", site.logged());
        assert!(site.get().ends_with("ok\n") && !runs(watcher));
    });
}

#[test]
fn a_server_that_ends_and_leaves_its_socket_to_a_command_of_its_own_is_started_again() {
    let site = Site::new();
    let command =
        [shell(r#""$@" & wait $!; exec sleep 60"#, &["sh".to_owned()]), site.server(&["--leaked", "0"])].concat();
    let first = site.kept(&[], &command);
    let (watcher, server) = (first.pid.expect("a watcher"), site.started()[0]);
    assert!(first.pids.len() == 2 && first.pids[0] == server && watcher != server, "{first:?}");
    // on a loaded machine it may take longer to accept than is waited for: then that is told at a later look
    let acceptors = || site.recorded("acceptors");
    eventually("who accepts", || acceptors()[0]["pid"] == server && acceptors()[1].is_null());
    send(server, Signal::SIGKILL);
    eventually("an honest state", || !site.entry().healthy);
    assert!(runs(watcher) && runs(first.pids[1]), "both live on");
    let again = site.kept(&[], &command);
    assert_eq!((again.action.as_str(), again.restarts), ("joined", 1), "{}", site.logged());
    let said =
        format!("fixture (pid {server}) {} and port {} is listened on by nobody who accepts", killed(), site.port);
    assert!(site.logged().contains(&said), "{}", site.logged());
    assert!(site.get().ends_with("ok\n") && !runs(first.pids[1]));
}

#[test]
fn a_server_that_its_watcher_starts_again_is_told_from_it_once_it_accepts() {
    let site = Site::new();
    let watcher = site.kept(&[], &site.server(&["--watched", "--again", "2000"])).pids;
    send(watcher[1], Signal::SIGKILL);
    let of = |key: &str| site.recorded(key).as_array().map(|all| all.iter().map(|one| one["pid"].clone()).collect());
    let of = |key: &str| -> Vec<serde_json::Value> { of(key).unwrap_or_default() };
    eventually("the next server", || of("holders").len() == 2 && of("holders")[1] != watcher[1]);
    let next = of("holders")[1].clone();
    // not as long as it loads
    eventually("who accepts", || of("acceptors") == [next.clone()]);
    let next = next.as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a PID");
    send(next, Signal::SIGKILL);
    site.generation(2);
    assert!(site.logged().contains("is listened on by nobody who accepts"), "{}", site.logged());
}

#[test]
fn a_process_that_ends_beside_one_that_accepts_itself_is_no_end() {
    let site = Site::new();
    let first = site.kept(&[], &site.server(&["--forks", "2"]));
    let (main, forks) = (site.started()[0], &first.pids[1..]);
    for fork in forks {
        send(*fork, Signal::SIGKILL);
    }
    eventually("the end of all but one", || !forks.iter().any(|fork| runs(*fork)) && runs(main));
    assert_eq!(
        (site.entry().healthy, site.entry().restarts, site.kept(&[], &site.server(&["--forks", "2"])).action.as_str()),
        (true, 0, "reused")
    );
}

#[test]
fn a_server_that_loads_after_a_command_of_its_own_had_its_socket_is_no_watcher() {
    let site = Site::new();
    // longer than nobody may accept behind a watcher
    let command = site.server(&["--accept-after", "7000"]);
    let first = site.kept(&[], &command);
    let (server, helper) = (site.started()[0], *first.pids.last().expect("a command of its own"));
    assert_eq!((first.pids.len(), runs(server)), (2, true), "{:?}", first.pids);
    eventually("its command's end", || !runs(helper));
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy), ("running", true), "{:?}", entry.reason);
    eventually("who waits is served", || {
        let mut stream = TcpStream::connect(("127.0.0.1", site.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(8))).expect("a socket has a limit");
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").is_ok() && stream.read(&mut [0]).is_ok_and(|length| length > 0)
    });
    assert_eq!((site.entry().restarts, site.started().len(), runs(server)), (0, 1, true), "{}", site.logged());
}

#[test]
fn a_server_without_a_supervisor_that_nobody_serves_is_not_healthy_and_told_by_whom() {
    let site = Site::new();
    let call = |options: &[&str]| site.run(options, &site.server(&["--watched"]));
    let worker = *line(&call(&["--json"]).run()).pids.last().expect("a worker");
    send(worker, Signal::SIGKILL);
    eventually("its end", || !runs(worker));
    let entry = site.entry();
    let why = "nobody accepts connections: the process that did has ended";
    assert_eq!((entry.state.as_str(), entry.healthy, entry.reason.as_deref()), ("running", false, Some(why)));
    let again = call(&["--timeout", "2s"]).status(124).run();
    assert!(again.stderr.contains(why), "{}", again.stderr);
    assert_eq!(site.started().len(), 1);
    assert_eq!(line(&call(&["--restart", "--json"]).run()).action, "restarted");
    assert!(site.entry().healthy);
}

#[test]
fn a_group_of_sockets_is_served_though_one_of_them_is_that_of_a_dead_process() {
    let site = Site::new();
    let command = site.server(&["--reuseport", "2"]);
    site.run(&[], &command).run();
    let main = site.started()[0];
    // which of them the kernel chose for our connection is luck
    let mut record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(site.file("json")).expect("a record")).expect("a record");
    record["acceptors"] = serde_json::json!([{ "pid": main, "start_id": record["start_id"] }]);
    std::fs::write(site.file("json"), record.to_string()).expect("a record can be written");
    send(main, Signal::SIGKILL);
    eventually("its end", || !runs(main));
    for _ in 0..12 {
        let entry = site.entry();
        assert_eq!((entry.state.as_str(), entry.healthy), ("running", true), "{:?}", entry.reason);
    }
    assert_eq!((line(&site.run(&["--json"], &command).run()).action.as_str(), site.started().len()), ("reused", 1));
}

#[test]
fn a_server_that_does_not_listen_any_more_and_lives_on_is_started_again() {
    let site = Site::new();
    let once = r#"[ $(wc -l < count) -gt 1 ] && exec "$@"; exec "$1" "$2" --close-after 300 "$3""#;
    site.kept(&[], &scripted(once));
    site.generation(2);
    let said = format!("does not listen any more and port {} stayed free", site.port);
    assert!(site.logged().contains(&said), "{}", site.logged());
    assert_eq!((site.entry().healthy, site.entry().restarts), (true, 1));
}

#[test]
fn uvicorn_that_lost_its_worker_is_started_again() {
    let version = std::process::Command::new("uvicorn").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        skipped("uvicorn is not installed");
        return;
    }
    let site = Site::new();
    site.write("app.py", "async def app(scope, receive, send):\n    pass\n");
    let command = ["uvicorn", "--reload", "--port", "{port}", "app:app"];
    let first = site.kept(&[], &command);
    let worker = *first.pids.last().expect("a worker");
    assert_eq!(first.pids.len(), 2, "a reloader and its worker");
    send(worker, Signal::SIGKILL);
    eventually("an honest state", || !site.entry().healthy);
    eventually("a restart", || site.recorded("restarts") == 1 && site.recorded("phase") == "ready");
    assert!(site.entry().healthy && !runs(first.pids[0]), "{}", site.logged());
}

#[test]
fn a_watcher_that_starts_its_server_again_itself_is_left_alone() {
    let site = Site::new();
    let command = scripted(r#"while :; do "$@" & echo $! >> servers; wait $!; sleep 0.3; done"#);
    site.kept(&[], &command);
    let servers = || -> Vec<u32> {
        let text = std::fs::read_to_string(site.path("servers")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    for count in [1, 2] {
        send(servers()[count - 1], Signal::SIGKILL);
        eventually("the watcher's next server", || servers().len() > count && site.entry().healthy);
        eventually("its record", || site.recorded("holders")[0]["pid"] == servers()[count]);
    }
    assert_eq!((site.entry().restarts, site.started().len()), (0, 1), "{}", site.logged());
}
