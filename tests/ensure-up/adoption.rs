//! Whose is the server that is there already? Ours, one that matches, or a foreign one: never a guess.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    site::{Site, by_hand, fixture, listens, read, shell, start_by_hand},
    support::{Fixture, Tool, eventually, free_ports},
};

/// A stranger on the site's port.
fn stranger(site: &Site, options: &[&str]) -> Fixture {
    let address = format!("127.0.0.1:{}", site.port);
    Fixture::start(["serve"].into_iter().chain(options.iter().copied()).chain([address.as_str()]))
}

fn reaped(site: &Site, mut child: std::process::Child) {
    site.clear();
    child.wait().expect("a child can be waited for");
}

#[test]
fn an_orphan_is_adopted_by_its_command_line_and_folder_and_then_reused() {
    let site = Site::new();
    let server = site.server(&[]);
    let child = by_hand(&site, &server, &site.folder());
    let line = site.line(&[], &server);
    assert_eq!((line.action.as_str(), line.pid), ("adopted", Some(child.id())));
    assert_eq!(line.reason.as_deref(), Some("its command line and folder match"));
    assert_eq!(site.started().len(), 1);
    assert_eq!(site.line(&[], &server).action, "reused");
    reaped(&site, child);
}

#[test]
fn a_stranger_whose_log_has_a_name_that_begins_like_ours_is_a_stranger() {
    let site = Site::new();
    let log = site.word("web");
    let options = ["--log", log.as_str()];
    let server = site.server(&[]);
    for (suffix, status) in [("-other.log", 4), (".bak", 4), (".", 4), ("2", 4), (".1", 0), ("", 0)] {
        site.run(&options, &server).run();
        site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().run();
        let output = fs::File::create(format!("{log}{suffix}")).unwrap();
        let address = format!("127.0.0.1:{}", site.port);
        let mut other = Command::new(fixture());
        other.args(["serve", "--body", "other", &address]).current_dir("/").stdin(Stdio::null()).stdout(output);
        let mut other = other.spawn().unwrap();
        listens(([127, 0, 0, 1], site.port).into());
        site.run(&options, &server).status(status).run();
        site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().status(status).run();
        assert_eq!(other.try_wait().unwrap().is_none(), status == 4, "{suffix:?}");
        let _ = other.kill();
        other.wait().unwrap();
    }
}

#[test]
fn one_that_was_started_by_hand_and_still_loads_is_waited_for_and_not_doubled() {
    let site = Site::new();
    let server = site.server(&["--delay", "700"]);
    let mut child = start_by_hand(&site, &server, &site.folder());
    eventually("the server", || !site.started().is_empty());
    let line = site.line(&[], &server);
    assert_eq!((line.action.as_str(), line.pid), ("adopted", Some(child.id())));
    assert_eq!(site.started().len(), 1);
    assert_eq!(site.line(&[], &server).action, "reused");
    site.clear();
    child.wait().unwrap();
}

#[test]
fn a_command_that_ends_because_the_same_server_came_up_meanwhile_has_joined_it() {
    let site = Site::new();
    // the first to come ends, as a server does that finds its port taken
    let script = "mkdir first 2> /dev/null && { sleep 0.7; exit 1; }; \"$0\" \"$@\"; true";
    let command = shell(script, &site.server(&[]));
    let tool = site.run(&["--json"], &command).spawn();
    eventually("the first", || site.path("first").exists());
    let child = by_hand(&site, &command, &site.folder());
    let output = tool.wait_with_output().unwrap();
    let line = read(&output.stdout);
    assert_eq!((line.action.as_str(), line.pids), ("joined", site.alive()), "{output:?}");
    assert_eq!(site.line(&[], &command).action, "reused");
    reaped(&site, child);
}

#[test]
fn what_runs_the_command_elsewhere_or_for_another_port_is_not_waited_for() {
    let site = Site::new();
    let server = site.server(&["--delay", "60000"]);
    fs::create_dir(site.path("other")).unwrap();
    let elsewhere = start_by_hand(&site, &server, &site.path("other"));
    let other_port: Vec<String> = server.iter().map(|word| word.replace("{port}", "1")).collect();
    let other = start_by_hand(&site, &other_port, &site.folder());
    eventually("the servers", || site.started().len() == 2);
    site.run(&["--timeout", "300ms"], &server).status(124).run();
    assert_eq!(site.started().len(), 3, "it started its own");
    for mut child in [elsewhere, other] {
        child.kill().and_then(|()| child.wait()).unwrap();
    }
}

#[test]
fn an_orphan_behind_a_wrapper_is_known_by_the_wrappers_command_line_and_is_stopped_with_it() {
    let site = Site::new();
    let command = shell("\"$0\" \"$@\"; sleep 61", &site.server(&[]));
    let child = by_hand(&site, &command, &site.folder());
    let line = site.line(&[], &command);
    assert_eq!((line.action.as_str(), line.pids), ("adopted", site.alive()));
    crate::stop::stop(&site).run();
    assert_eq!(site.processes(), [], "the wrapper went with it");
    reaped(&site, child);
}

#[test]
fn a_look_alike_in_another_folder_is_foreign() {
    let site = Site::new();
    let server = site.server(&[]);
    let other = site.path("other");
    fs::create_dir(&other).unwrap();
    let child = by_hand(&site, &server, &other);
    let output = site.run(&[], &server).status(4).run();
    assert!(output.stderr.contains(&format!("folder {}", other.display())), "{}", output.stderr);
    assert_eq!(site.line(&["--cwd", "other"], &server).action, "adopted");
    reaped(&site, child);
}

#[test]
fn another_command_line_in_the_same_folder_is_foreign() {
    let site = Site::new();
    let child = by_hand(&site, &site.server(&["--body", "a"]), &site.folder());
    site.run(&[], &site.server(&["--body", "b"])).status(4).run();
    assert_eq!(site.started().len(), 1);
    reaped(&site, child);
}

#[test]
fn a_foreign_server_is_described_and_left_alone() {
    let site = Site::new();
    let stranger = stranger(&site, &["--body", "x y"]);
    let output = site.run(&[], &site.server(&[])).status(4).stdout("").run();
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(lines[0], format!("ensure-up: port {} is held by another program", site.port));
    let command = format!("{} serve --body x y 127.0.0.1:{}", fixture(), site.port);
    assert!(lines[1].starts_with(&format!("  {}  {command}   user ", stranger.pid())), "{}", lines[1]);
    // below the home it is shown by ~
    assert!([", folder /", ", folder ~"].iter().any(|folder| lines[1].contains(folder)), "{}", lines[1]);
    for fact in [", up ", "iB"] {
        assert!(lines[1].contains(fact), "{} has no {fact}", lines[1]);
    }
    assert!(
        lines[2].starts_with(&format!("hint: port-kill {} frees it; --replace does both; --match '", site.port)),
        "{}",
        lines[2]
    );
    assert_eq!((lines.len(), site.started().len()), (3, 0));
}

#[test]
fn the_hint_about_match_is_true() {
    let site = Site::new();
    let stranger = stranger(&site, &["--body", "it's (a) [test]*"]);
    let output = site.run(&[], &site.server(&[])).status(4).run();
    let (_, hint) = output.stderr.split_once("--match ").expect("a hint");
    let quoted = hint.strip_suffix(" accepts it\n").expect("the end of the hint");
    let mut tool = site.tool();
    let words: Vec<_> = tool.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(format!("exec \"$@\" --json --match {quoted} -- true")).arg("sh");
    shell.arg(env!("CARGO_BIN_EXE_ensure-up")).args(words).env("ENSURE_UP_DIR", site.path("state"));
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("\"adopted\"") && said.contains(&stranger.pid().to_string()), "{said}{output:?}");
}

#[test]
fn a_foreign_server_as_a_record_is_a_failure_with_its_pids() {
    let site = Site::new();
    let stranger = stranger(&site, &["--forks", "1"]);
    let output = site.run(&["--json"], &site.server(&[])).status(4).run();
    let line = crate::site::line(&output);
    assert_eq!((line.action.as_str(), line.healthy, line.pid), ("failed", false, None));
    assert_eq!((line.port, line.pids), (Some(site.port), stranger.pids()));
    assert_eq!(line.reason, Some(format!("port {} is held by another program", site.port)));
}

#[test]
fn match_takes_a_server_by_its_command_line() {
    let site = Site::new();
    let stranger = stranger(&site, &["--body", "who"]);
    let line = site.line(&["--match", "fixture serve --body w.o"], &site.server(&[]));
    assert_eq!((line.action.as_str(), line.pid), ("adopted", Some(stranger.pid())));
    assert_eq!(line.reason.as_deref(), Some("its command line matches \"fixture serve --body w.o\""));
    site.run(&["--match", "nothing like it"], &site.server(&[])).run();
    assert!(site.started().is_empty(), "a record makes it ours");
}

#[test]
fn match_that_does_not_match_leaves_it_foreign() {
    let site = Site::new();
    let _stranger = stranger(&site, &[]);
    site.run(&["--match", "uvicorn"], &site.server(&[])).status(4).run();
}

#[test]
fn a_server_is_known_by_what_it_answers() {
    for (options, status, action) in
        [(["--expect-body", "service stigmer"], 0, "adopted"), (["--expect-body", "service other"], 4, "failed")]
    {
        let site = Site::new();
        let _stranger = stranger(&site, &["--body", "service stigmer\n"]);
        let tool = site.run(&[&["--json", "--health", "/"], &options[..]].concat(), &site.server(&[]));
        let line = crate::site::line(&tool.status(status).run());
        assert_eq!(line.action, action);
    }
    for (value, status) in [("$.service=stigmer", 0), ("$.service=other", 4)] {
        let site = Site::new();
        let _stranger = stranger(&site, &["--body", "{\"service\": \"stigmer\"}"]);
        site.run(&["--health", "/", "--expect-json", value], &site.server(&[])).status(status).run();
    }
}

#[test]
fn a_status_alone_is_no_identity() {
    let site = Site::new();
    let _stranger = stranger(&site, &[]);
    site.run(&["--health", "/", "--expect-status", "200"], &site.server(&[])).status(4).run();
}

#[test]
fn adopt_any_takes_whatever_is_healthy_and_adopt_never_not_even_a_match() {
    let site = Site::new();
    let stranger = stranger(&site, &[]);
    let line = site.line(&["--adopt", "any"], &site.server(&[]));
    assert_eq!((line.action.as_str(), line.pid), ("adopted", Some(stranger.pid())));
    let site = Site::new();
    let server = site.server(&[]);
    let child = by_hand(&site, &server, &site.folder());
    site.run(&["--adopt", "never"], &server).status(4).run();
    reaped(&site, child);
}

#[test]
fn an_orphan_that_is_not_healthy_yet_is_waited_for() {
    let site = Site::new();
    let server = site.server(&["--not-ready", "400"]);
    let child = by_hand(&site, &server, &site.folder());
    let line = site.line(&["--health", "/"], &server);
    assert_eq!(line.action, "adopted");
    assert!(site.get().starts_with("HTTP/1.1 200"));
    reaped(&site, child);
}

#[test]
fn an_adopted_server_is_its_eldest_holder() {
    let site = Site::new();
    let server = site.server(&["--forks", "3"]);
    let child = by_hand(&site, &server, &site.folder());
    let line = site.line(&[], &server);
    assert_eq!((line.pid, line.pids.len()), (Some(child.id()), 4));
    reaped(&site, child);
}

#[test]
fn a_client_of_the_port_is_nobody() {
    let site = Site::new();
    site.serve(&[]).run();
    // this test is connected to the port while the server is gone
    let client = std::net::TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    site.clear();
    let line = site.line(&[], &site.server(&[]));
    assert_eq!((line.action.as_str(), line.pids), ("started", site.alive()));
    drop(client);
}

#[test]
fn a_range_reuses_its_server_adopts_a_match_and_else_takes_the_first_free_port() {
    let site = Site::new();
    let first = free_ports(6);
    let range = format!("{first}-{}", first + 5);
    let tool = |options: &[&str], server: &[String]| -> Tool {
        let tool = site.bare().any_stdout().any_stderr().args(["--json", "--port", &range]).args(options);
        tool.arg("--").args(server.iter())
    };
    let _taken = Fixture::start(["serve", "--body", "mine", &format!("127.0.0.1:{}", first + 1)]);
    let (one, two) = (site.server(&[]), site.server(&["--body", "two"]));
    let run = |options: &[&str], server: &[String]| {
        let line = crate::site::line(&tool(options, server).run());
        (line.action, line.port.map(|port| port - first))
    };
    assert_eq!(run(&[], &one), ("started".into(), Some(0)));
    assert_eq!(run(&[], &two), ("started".into(), Some(2)), "the next is taken");
    assert_eq!(run(&[], &one), ("reused".into(), Some(0)));
    assert_eq!(run(&[], &two), ("reused".into(), Some(2)));
    let identity = ["--health", "/", "--expect-body", "mine"];
    assert_eq!(run(&identity, &site.server(&["--body", "mine"])), ("adopted".into(), Some(1)));
    fs::remove_dir_all(site.path("state")).unwrap();
    assert_eq!(run(&[], &two), ("reused".into(), Some(2)), "it is known by its mark");
}

#[test]
fn a_range_without_a_free_port_is_status_four() {
    let site = Site::new();
    let first = free_ports(2);
    let _taken = [0, 1].map(|more| Fixture::start(["serve", &format!("127.0.0.1:{}", first + more)]));
    let range = format!("{first}-{}", first + 1);
    let tool = site.bare().args(["--port", &range, "--"]).args(site.server(&[]));
    tool.status(4).stderr(format!("ensure-up: no port of {range} is free\n")).run();
}

#[test]
fn a_range_passes_over_a_port_that_is_bound_and_not_listened_on() {
    use rustix::net::{AddressFamily, SocketType, bind, socket};
    let site = Site::new();
    let first = free_ports(2);
    let loading = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&loading, &std::net::SocketAddr::from(([127, 0, 0, 1], first))).unwrap();
    let tool =
        site.bare().any_stdout().any_stderr().args(["--json", "--port", &format!("{first}-{}", first + 1), "--"]);
    let line = crate::site::line(&tool.args(site.server(&[])).run());
    assert_eq!((line.action.as_str(), line.port), ("started", Some(first + 1)));
    drop(loading);
}

#[test]
fn a_range_does_not_drift_from_the_port_whose_last_server_closed_its_connections_first() {
    let site = Site::new();
    let first = free_ports(3);
    let range = format!("{first}-{}", first + 2);
    for round in 0..3 {
        let tool = site.bare().any_stdout().any_stderr().args(["--json", "--port", &range, "--health", "/", "--"]);
        let line = crate::site::line(&tool.args(site.server(&[])).run());
        assert_eq!((line.action.as_str(), line.port), ("started", Some(first)), "round {round}");
        // the server closes first: its end of the connection lingers
        crate::site::get(([127, 0, 0, 1], first).into());
        site.bare().any_stdout().any_stderr().args(["--stop", &first.to_string()]).run();
    }
}

#[test]
fn a_range_passes_over_a_port_that_a_connection_was_made_from() {
    let site = Site::new();
    let first = free_ports(2);
    let peer = Fixture::start(["hold", "tcp", "127.0.0.1:0"]);
    let _client = Fixture::start(["hold", "connected", &format!("127.0.0.1:{first}"), &peer.address().to_string()]);
    let tool =
        site.bare().any_stdout().any_stderr().args(["--json", "--port", &format!("{first}-{}", first + 1), "--"]);
    let line = crate::site::line(&tool.args(site.server(&[])).run());
    assert_eq!((line.action.as_str(), line.port), ("started", Some(first + 1)));
}

#[test]
fn a_range_of_lingering_connections_is_free_all_the_same() {
    let site = Site::new();
    let first = free_ports(2);
    let range = format!("{first}-{}", first + 1);
    let run = |body: &str| {
        let tool = site.bare().any_stdout().any_stderr().args(["--json", "--port", &range, "--health", "/", "--"]);
        crate::site::line(&tool.args(site.server(&["--body", body])).run())
    };
    // the servers close their connections first, so that these linger
    for port in [run("a"), run("b")].map(|line| line.port.unwrap()) {
        crate::site::get(([127, 0, 0, 1], port).into());
    }
    site.clear();
    assert_eq!(run("c").action, "started");
}
