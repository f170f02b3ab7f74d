//! `--restart`, `--restart-if-changed` and `--replace`.

use std::{fs, os::unix::fs::MetadataExt, process::Command};

use crate::{
    site::{Site, line, listens, shell},
    support::Fixture,
};

#[test]
fn restart_stops_ours_with_its_whole_tree_and_starts_it_again() {
    let site = Site::new();
    let command = shell("sleep 60 & \"$0\" \"$@\"; true", &site.server(&[]));
    let first = site.line(&["--restart"], &command);
    assert_eq!(first.action, "started", "there was none");
    let before = site.processes();
    let second = site.line(&["--restart"], &command);
    assert_eq!((second.action.as_str(), site.alive().len(), site.started().len()), ("restarted", 1, 2));
    assert_ne!(second.pid, first.pid);
    assert!(site.processes().iter().all(|process| !before.contains(process)), "something of the first is left");
}

#[test]
fn restart_stops_what_matches_without_a_record() {
    let site = Site::new();
    let server = site.server(&[]);
    site.run(&[], &server).run();
    let first = site.alive();
    fs::remove_file(site.record()).unwrap();
    let line = site.line(&["--restart"], &server);
    assert_eq!((line.action.as_str(), line.pids), ("restarted", site.alive()));
    assert_ne!(first, site.alive());
}

#[test]
fn restart_stops_what_is_known_by_its_answer() {
    let site = Site::new();
    let address = format!("127.0.0.1:{}", site.port);
    let mut old = Fixture::start(["serve", "--body", "mine", &address]);
    let options = ["--health", "/", "--expect-body", "mine", "--restart"];
    let line = site.line(&options, &site.server(&["--body", "mine"]));
    assert_eq!((line.action.as_str(), line.pids), ("restarted", site.alive()));
    old.wait();
}

#[test]
fn restart_leaves_a_foreign_server_alone() {
    let site = Site::new();
    let stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    site.run(&["--restart"], &site.server(&[])).status(4).run();
    assert!(crate::support::runs(stranger.pid()));
}

#[test]
fn a_server_that_ignores_the_signal_is_killed_after_the_grace() {
    let site = Site::new();
    let server = site.server(&["--ignore-term"]);
    site.run(&[], &server).run();
    let line = site.line(&["--restart", "--grace", "200ms"], &server);
    assert_eq!((line.action.as_str(), line.pids), ("restarted", site.alive()));
}

#[test]
fn the_stop_signal_is_the_one_that_was_asked_for() {
    let site = Site::new();
    // SIGTERM would be ignored, and nothing would be said
    let script = "trap '' TERM; trap 'echo told > told; exit' USR1; \"$0\" \"$@\" & wait";
    let command = shell(script, &site.server(&[]));
    site.run(&[], &command).run();
    site.run(&["--restart", "--stop-signal", "SIGUSR1"], &command).run();
    assert_eq!(fs::read_to_string(site.path("told")).unwrap(), "told\n");
}

#[test]
fn a_changed_command_is_refused_and_restarts_only_if_asked() {
    let site = Site::new();
    let (old, new) = (site.server(&["--body", "old"]), site.server(&["--body", "new"]));
    site.run(&[], &old).run();
    let output = site.run(&[], &new).status(4).run();
    let message = format!(
        "ensure-up: fixture is up on port {}, but not as asked: it was started with another command",
        site.port
    );
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!((lines[0], lines[2]), (message.as_str(), "hint: --restart-if-changed restarts it"), "{lines:?}");
    let failed = line(&site.run(&["--json"], &new).status(4).run());
    assert_eq!((failed.action.as_str(), failed.differs, failed.pids), ("failed", vec!["command".into()], site.alive()));
    assert_eq!(failed.folder, Some(site.folder()));
    let taken = site.line(&["--adopt", "any"], &new);
    assert_eq!((taken.action.as_str(), taken.differs), ("reused", vec!["command".into()]));
    assert_eq!(site.line(&["--restart-if-changed"], &old).action, "reused");
    let line = site.line(&["--restart-if-changed"], &new);
    assert_eq!((line.action.as_str(), site.alive().len()), ("restarted", 1));
    assert!(site.get().ends_with("new"));
    let output = site.run(&["--restart-if-changed"], &new).run();
    assert!(output.stderr.starts_with("reused ") && output.stderr.lines().count() == 1, "{}", output.stderr);
}

#[test]
fn a_changed_environment_is_refused_with_the_names_of_the_variables() {
    let site = Site::new();
    let server = site.server(&[]);
    site.run(&["--env", "A=1", "--env", "B=2"], &server).run();
    let refused = |options: &[&str]| site.run(options, &server).status(4).run().stderr;
    site.run(&["--env", "B=2", "--env", "A=1"], &server).run();
    assert!(refused(&["--env", "A=2", "--env", "B=2"]).contains("with another environment (A)\n"));
    assert!(refused(&[]).contains("with another environment (A, B)\n"));
    assert_eq!(fs::metadata(site.record()).unwrap().mode() & 0o077, 0, "the environment may be secret");
    fs::remove_file(site.record()).unwrap();
    assert!(refused(&["--env", "A=1"]).contains("with another environment (B)\n"), "the mark tells as well");
    let line = site.line(&["--restart-if-changed", "--env", "A=2"], &server);
    assert_eq!((line.action.as_str(), site.alive().len()), ("restarted", 1));
}

#[test]
fn a_server_of_another_folder_is_another_services() {
    let site = Site::new();
    let server = site.server(&[]);
    fs::create_dir(site.path("other")).unwrap();
    site.run(&[], &server).run();
    for options in [&[][..], &["--restart"], &["--restart-if-changed"], &["--adopt", "never"]] {
        let output = site.run(&[options, &["--cwd", "other"]].concat(), &server).status(4).run();
        let message = format!("held by another service of yours: fixture (folder {})\n", site.folder().display());
        assert!(output.stderr.contains(&message), "{}", output.stderr);
    }
    assert_eq!(site.started().len(), 1);
    let line = site.line(&["--cwd", "other", "--replace"], &server);
    assert_eq!((line.action.as_str(), line.folder, site.alive().len()), ("replaced", Some(site.path("other")), 1));
}

#[test]
fn replace_stops_a_foreign_server_and_reuses_ours() {
    let site = Site::new();
    let mut stranger = Fixture::start(["serve", "--forks", "1", &format!("127.0.0.1:{}", site.port)]);
    let server = site.server(&[]);
    let line = site.line(&["--replace"], &server);
    assert_eq!((line.action.as_str(), line.pids), ("replaced", site.alive()));
    stranger.wait();
    assert_eq!(site.line(&["--replace"], &server).action, "reused");
    assert_eq!(site.started().len(), 1);
}

#[test]
fn replace_stops_ours_too_when_it_has_not_bound_yet() {
    let site = Site::new();
    let server = site.server(&["--delay", "60000"]);
    let mut starter = site.run(&[], &server).spawn();
    crate::support::eventually("the server", || !site.started().is_empty());
    starter.kill().and_then(|()| starter.wait()).unwrap();
    let mut stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    let line = site.line(&["--replace"], &site.server(&[]));
    assert_eq!((line.action.as_str(), line.pids), ("replaced", site.alive()));
    stranger.wait();
}

#[test]
fn a_server_that_was_restarted_by_another_call_is_the_one_that_is_reused() {
    let site = Site::new();
    let server = site.server(&[]);
    let first = site.line(&[], &server);
    let second = site.line(&["--restart"], &server);
    let third = site.line(&[], &server);
    assert_eq!((third.action.as_str(), third.pid), ("reused", second.pid));
    assert_ne!(first.pid, second.pid);
}

#[test]
fn one_that_holds_the_port_of_a_child_by_hand_is_replaced() {
    let site = Site::new();
    let mut nc = Command::new(crate::site::fixture());
    let mut child = nc.args(["serve", "--ignore-term", &format!("127.0.0.1:{}", site.port)]).spawn().unwrap();
    listens(([127, 0, 0, 1], site.port).into());
    let line = site.line(&["--replace", "--grace", "100ms"], &site.server(&[]));
    assert_eq!(line.action, "replaced");
    assert!(child.wait().unwrap().code().is_none(), "it was killed");
}
