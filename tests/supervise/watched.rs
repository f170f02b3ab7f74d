//! What is watched is the server: a daemon that forked away, and the server behind a watcher that lives on.

use nix::sys::signal::Signal;

use crate::{
    kept::scripted,
    site::{Site, send},
    support::{eventually, runs},
};

#[test]
fn a_daemon_that_forked_away_is_started_again_and_the_reason_is_its_own_end() {
    for form in ["detach", "leave"] {
        let site = Site::new();
        let line = site.kept(&[], &site.odd(&[form], &["--forks", "1"]));
        assert_eq!(line.pid, Some(site.started()[0]), "{form}: it is told by its own PID, not by its launcher's");
        send(site.started()[0], Signal::SIGKILL);
        site.generation(2);
        let entry = site.entry();
        assert_eq!((entry.state.as_str(), entry.healthy, entry.restarts), ("running", true, 1), "{form}");
        assert!(site.logged().contains("it was ended by SIGKILL; "), "{form}: {}", site.logged());
    }
}

#[test]
fn a_daemon_that_fails_by_itself_is_told_by_its_status() {
    let site = Site::new();
    site.kept(&["--max-restarts", "1/60s"], &site.odd(&["detach"], &["--die-after", "300"]));
    eventually("an open breaker", || site.recorded("phase") == "broken");
    assert_eq!(site.started().len(), 2);
    assert!(site.logged().contains("giving up: 2 crashes within 1m; it ended with status 7"), "{}", site.logged());
}

#[test]
fn a_server_that_ends_behind_a_watcher_that_lives_on_is_started_again() {
    let site = Site::new();
    let command = scripted(r#""$@" & echo $! > server; wait $!; exec sleep 60"#);
    site.kept(&[], &command);
    let server = || std::fs::read_to_string(site.path("server")).ok()?.trim().parse::<u32>().ok();
    let first = server().expect("a PID");
    send(first, Signal::SIGKILL);
    // nobody of it holds the port for five seconds
    site.generation(2);
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy, entry.restarts), ("running", true, 1));
    let log = site.logged();
    let said = format!("it lost its server: fixture (pid {first}) ended and port {} stayed free; ", site.port);
    assert!(log.contains(&said), "{log}");
    assert!(server().is_some_and(|second| second != first && runs(second)));
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
