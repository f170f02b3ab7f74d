//! A server that does not come up: how it ended, the end of its log, and nothing left of it.

use std::{
    fs,
    io::Read,
    thread,
    time::{Duration, Instant},
};

use proc_tree::cli::duration;

use crate::{
    site::{Site, line, shell},
    support::Fixture,
};

#[test]
fn a_server_that_dies_at_once_is_status_three_with_the_end_of_its_log() {
    let site = Site::new();
    let command = shell("for i in $(seq 1 30); do echo line $i; done; exit 7", &[]);
    let output = site.run(&[], &command).status(3).stdout("").run();
    let mut lines = output.stderr.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("ensure-up: sh ended with status 7 after "), "{first}");
    let rest = format!(", before it held port {}; the end of its log (ensure-up --logs {0}):", site.port);
    assert!(first.ends_with(&rest), "{first}");
    let expected: Vec<String> = (11..=30).map(|number| format!("  line {number}")).collect();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert!(site.has_no_server());
}

#[test]
fn a_server_that_says_nothing_has_an_empty_log_and_one_that_is_killed_a_signal() {
    let site = Site::new();
    let output = site.run(&[], &shell("kill -9 $$", &[])).status(3).run();
    assert!(output.stderr.starts_with("ensure-up: sh was ended by SIGKILL after "), "{}", output.stderr);
    assert!(output.stderr.ends_with("; its log is empty\n"), "{}", output.stderr);
}

#[test]
fn what_a_server_says_is_made_safe_for_a_terminal() {
    let site = Site::new();
    let output =
        site.run(&[], &shell("printf 'a\\033[31mb\\033]0;x\\007 \\342\\200\\256c\\n'; exit 1", &[])).status(3).run();
    assert!(!output.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", output.stderr);
    assert!(output.stderr.lines().nth(1).is_some_and(|line| line.starts_with("  a")), "{:?}", output.stderr);
}

#[test]
fn how_long_a_server_lived_is_told_and_not_how_long_its_turn_was_waited_for() {
    let site = Site::new();
    let start = || site.run(&[], &shell("exit 3", &[])).status(3);
    start().run();
    let lock = fs::File::open(site.lock()).expect("it was there first");
    lock.lock().expect("nobody has it");
    let mut waiting = start().spawn();
    thread::sleep(Duration::from_secs(2));
    drop(lock);
    let began = Instant::now();
    let mut said = String::new();
    waiting.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    waiting.wait().expect("a child");
    let lived = said.split_once(" after ").and_then(|(_, rest)| rest.split_once(", before"));
    let lived = lived.and_then(|(lived, _)| duration::parse(&lived.replace(' ', "")).ok());
    assert!(lived.is_some_and(|lived| lived <= began.elapsed()), "{said}");
}

#[test]
fn a_failure_is_a_record_too() {
    let site = Site::new();
    let line = line(&site.run(&["--json"], &shell("echo no; exit 1", &[])).status(3).run());
    assert_eq!((line.name.as_str(), line.action.as_str(), line.healthy), ("sh", "failed", false));
    assert_eq!(
        (line.port, line.pid, line.start_id, line.ready_ms, line.url),
        (Some(site.port), None, None, None, None)
    );
    assert_eq!(line.log, Some(site.log()));
    let reason = line.reason.expect("a failure has a reason");
    assert!(reason.starts_with("sh ended with status 1 after ") && !reason.contains('\n'), "{reason}");
}

#[test]
fn a_server_that_dies_after_it_was_bound_and_before_it_was_healthy_is_status_three() {
    let site = Site::new();
    let server = site.server(&["--not-ready", "60000", "--die-after", "200"]);
    let output = site.run(&["--health", "/"], &server).status(3).run();
    assert!(output.stderr.contains(" ended with status 7 after 0.") && output.stderr.contains("before it was ready"));
}

#[test]
fn death_is_noticed_at_once() {
    let site = Site::new();
    let output =
        site.run(&["--health", "/", "--initial-delay", "30s"], &shell("sleep 0.1; exit 1", &[])).status(3).run();
    assert!(output.took < Duration::from_secs(5), "{:?}", output.took);
}

#[test]
fn a_stranger_that_answers_while_ours_died_is_never_a_success() {
    let site = Site::new();
    let mut starter = site.run(&["--health", "/"], &site.server(&["--delay", "300"])).spawn();
    crate::support::eventually("our server", || !site.started().is_empty());
    let stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    let mut said = String::new();
    starter.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(starter.wait().unwrap().code(), Some(3), "{said}");
    assert!(said.contains("ended with status 98") && said.contains("  cannot bind: "), "{said}");
    assert!(crate::support::runs(stranger.pid()) && site.alive().is_empty());
}

#[test]
fn a_stranger_that_answers_while_ours_tries_on_is_never_a_success() {
    let never = |options: &[&str]| {
        let site = Site::new();
        let slow = shell("sleep 0.3; exec \"$0\" \"$@\"", &site.odd(&["stubborn"], &[]));
        let starter = site.run(&[&["--timeout", "4s"], options].concat(), &slow).spawn();
        crate::support::eventually("our server", || site.record().exists());
        let stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
        let output = starter.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(124), "{options:?}: {said}");
        assert!(said.contains("another program holds the port"), "{said}");
        assert!(said.contains(&format!("  {}  ", stranger.pid())), "the stranger is named: {said}");
        assert!(site.processes().is_empty(), "ours is stopped");
    };
    thread::scope(|scope| {
        for options in [&["--health", "/"][..], &["--match", "fixture"], &["--health", "/", "--expect-body", "ok"]] {
            scope.spawn(move || never(options));
        }
    });
}

#[test]
fn ours_takes_the_port_when_the_stranger_lets_go() {
    let site = Site::new();
    let slow = shell("sleep 0.3; exec \"$0\" \"$@\"", &site.odd(&["stubborn"], &[]));
    let starter = site.run(&["--health", "/", "--json"], &slow).spawn();
    crate::support::eventually("our server", || site.record().exists());
    let stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    thread::sleep(Duration::from_millis(500));
    drop(stranger);
    let output = starter.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(site.alive().len(), 1);
}

#[test]
fn a_deadline_stops_the_whole_tree_and_says_the_last_answer() {
    let site = Site::new();
    let script = "sleep 61 & setsid sleep 62 & (setsid sleep 63 &) ; \"$0\" group sleep 64 & \"$0\" \"$@\"";
    let command = shell(script, &site.server(&["--not-ready", "60000", "--print", "loading"]));
    let output = site.run(&["--timeout", "2s", "--health", "/"], &command).status(124).run();
    let said = format!(
        "ensure-up: sh was not ready on port {} within 2.00 s: 503 Service Unavailable; the end of ",
        site.port
    );
    assert!(output.stderr.starts_with(&said) && output.stderr.contains("\n  loading\n"), "{}", output.stderr);
    assert!(site.has_no_server());
}

#[test]
fn a_server_that_accepts_and_never_answers_is_late() {
    let site = Site::new();
    let socket = site.word("socket");
    let command = vec![crate::site::fixture(), "unix".into(), socket, "127.0.0.1:{port}".into()];
    // no attempt is over before the deadline
    let options = ["--timeout", "2s", "--attempt-timeout", "5s", "--health", "/"];
    let output = site.run(&options, &command).status(124).run();
    assert!(output.stderr.contains(" within 2.00 s: no answer; its log "), "{}", output.stderr);
    assert_eq!(site.processes(), []);
}

#[test]
fn what_a_failed_wrapper_left_behind_is_stopped() {
    let site = Site::new();
    site.run(&[], &shell("sleep 61 & (sleep 62 &); setsid sleep 63 & (setsid sleep 64 &); exit 1", &[]))
        .status(3)
        .run();
    assert_eq!(site.processes(), []);
}

#[test]
fn a_daemon_whose_wrapper_lives_on_is_stopped_at_the_deadline() {
    let site = Site::new();
    let command = site.odd(&["linger", "60000"], &["--not-ready", "60000"]);
    site.run(&["--timeout", "300ms", "--health", "/"], &command).status(124).run();
    assert_eq!(site.processes(), []);
}

#[test]
fn a_command_that_is_not_there_is_status_127_and_one_that_cannot_be_run_126() {
    let site = Site::new();
    site.run(&[], &["no-such-command-at-all"])
        .status(127)
        .stderr("ensure-up: command not found: no-such-command-at-all\n")
        .run();
    site.run(&[], &["./no/such/path"]).status(127).run();
    let output = site.run(&[], &["/"]).status(126).run();
    assert_eq!(output.stderr, "ensure-up: cannot execute /: permission denied\n");
    fs::write(site.path("plain"), "not a program").unwrap();
    site.run(&[], &["./plain"]).status(126).run();
    assert!(crate::site::has_none(&site.path("state"), ".json"), "no record is left");
    site.run(&["--json"], &["no-such-command"]).status(127).run();
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_the_shell() {
    let site = Site::new();
    fs::write(site.path("run"), format!("exec '{}' serve 127.0.0.1:$1\n", crate::site::fixture())).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(site.path("run"), mode).unwrap();
    site.run(&[], &["./run", "{port}"]).run();
    assert!(site.get().starts_with("HTTP/1.1 200"));
}

#[test]
fn fail_status_and_fail_body_end_the_wait_at_once() {
    for options in [["--fail-status", "401"], ["--fail-body", "out of memory"]] {
        let site = Site::new();
        let server = site.server(&["--answer", "401 Unauthorized", "--body", "out of memory"]);
        let output = site.run(&[&["--health", "/"], &options[..]].concat(), &server).status(4).run();
        assert!(output.stderr.starts_with("ensure-up: fixture failed: "), "{}", output.stderr);
        assert_eq!(site.processes(), []);
    }
}

#[test]
fn a_server_that_listens_on_other_ports_is_told_by_them() {
    let site = Site::with_ports(3);
    let (one, two) = (site.port + 1, site.port + 2);
    let at = |port: u16| site.server_at(&[], &format!("127.0.0.1:{port}"));
    let both = shell(&format!("\"$0\" \"$@\" & exec \"$0\" serve 127.0.0.1:{one}"), &at(two));
    for options in [&[][..], &["--keep-up"]] {
        for (command, ports) in [(&at(one), format!("port {one}")), (&both, format!("ports {one}, {two}"))] {
            let output = site.run(&[options, &["--timeout", "1500ms"]].concat(), command).status(124).run();
            let told = format!("within 1.50 s: it listens on {ports} instead; the end of its log");
            assert!(output.stderr.contains(&told), "{}", output.stderr);
        }
    }
}

#[test]
fn a_port_that_is_not_free_though_nobody_listens_is_told_with_who_uses_it() {
    let site = Site::new();
    let bound = Fixture::start(["hold", "bound", &format!("127.0.0.1:{}", site.port)]);
    let why = format!("not free: a bound socket of fixture ({}) uses it", bound.pid());
    let said = site.run(&[], &shell("exit 1", &[])).status(3).run().stderr;
    assert!(said.contains(&format!("before it held port {}, which is {why}", site.port)), "{said}");
}
