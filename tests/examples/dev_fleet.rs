//! A fleet of dev servers.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use crate::{
    SetUp,
    site::get,
    support::{Terminal, eventually, free_ports},
};

const VARIABLES: [&str; 5] = ["DB_PORT", "DOCS_PORT", "API_PORT", "WEB_PORT", "ML_PORT"];

/// The fleet; its ports follow one another.
fn set_up() -> Option<(SetUp, u16)> {
    let set_up = SetUp::copy("dev-fleet", &["python3"])?.with("BACKOFF", "20ms..100ms");
    let first = free_ports(5);
    Some((VARIABLES.into_iter().zip(first..).fold(set_up, |set_up, (name, port)| set_up.with(name, &port)), first))
}

/// What `--status --json` says of a service.
fn status(set_up: &SetUp, name: &str) -> Value {
    set_up.records(&format!("ensure-up --status --json {name} || true")).remove(0)
}

#[test]
fn a_fleet_starts_at_once_and_one_that_fails_blocks_nobody() {
    let Some((set_up, _)) = set_up() else { return };
    set_up.plays_its_readme(&[]);
}

#[test]
fn those_who_need_nobody_start_side_by_side() {
    let Some((set_up, _)) = set_up() else { return };
    let set_up = set_up.with("WARM_UP", "0.5");
    set_up.stdout("ensure-up --quiet db docs");
    let moment = |name: &str, event: &str| -> f64 {
        let log = set_up.stdout(&format!("ensure-up --logs {name}"));
        let line = log.lines().find(|line| line.starts_with(&format!("{name} {event}")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{event}: {log}"))
    };
    let begun = moment("db", "begins").max(moment("docs", "begins"));
    assert!(begun < moment("db", "listens").min(moment("docs", "listens")), "both began before one listened");
}

#[test]
fn a_server_is_reloaded_and_started_again_until_it_is_given_up() {
    let Some((set_up, first)) = set_up() else { return };
    let address: SocketAddr = ([127, 0, 0, 1], first + 2).into();
    set_up.stdout("ensure-up --quiet --profile prod api");
    assert!(get(address).contains("api prod "));
    assert!(set_up.stderr("ensure-up api", 4).contains("another environment (GREETING)"));

    fs::write(set_up.path("settings/api.json"), "{\"limit\": 1}").expect("the folder is ours");
    eventually("a reload", || status(&set_up, "api")["reloads"] == 1);
    for crash in 1..=3 {
        eventually("a server", || status(&set_up, "api")["healthy"] == true);
        let mut client = TcpStream::connect(address).expect("it listens");
        client.write_all(b"GET /crash HTTP/1.0\r\n\r\n").expect("it takes a request");
        let is_seen = |api: &Value| if crash < 3 { api["restarts"] == crash } else { api["state"] == "broken" };
        eventually("a crash that is seen", || is_seen(&status(&set_up, "api")));
    }
    assert!(set_up.stderr("ensure-up --profile prod api", 5).contains("3 crashes within 1m"));
    assert_eq!(status(&set_up, "db")["state"], "running");
    set_up.stdout("ensure-up --quiet --profile prod --restart api");
}

#[test]
fn an_attached_fleet_shows_all_logs_and_ends_with_its_terminal() {
    let Some((set_up, _)) = set_up() else { return };
    let mut attached = Terminal::start(&mut set_up.shell("exec ensure-up --foreground db api web"), 120, 30);
    for name in ["db", "api", "web"] {
        attached.shows(&format!("{name} listens at"));
    }
    let mut live = Terminal::start(&mut set_up.shell("exec ensure-up --status --watch=200ms"), 120, 30);
    live.shows("running");
    live.types("q");
    assert!(live.end().0.success());
    attached.types("\u{3}");
    let (_, said) = attached.end();
    assert!(said.contains("stopped web, api, db"), "{said}");
    assert_eq!(set_up.stdout("ensure-up --status --pids"), "");
}

#[test]
fn tests_use_a_fleet_that_is_warm_and_leave_it_up() {
    let Some((set_up, _)) = set_up() else { return };
    set_up.stdout("ensure-up --quiet --profile test db api web");
    let before = set_up.stdout("ensure-up --status --pids");
    let said = set_up.stdout("ensure-up --profile test --then ./test-fleet db api web");
    assert_eq!((said.as_str(), set_up.stdout("ensure-up --status --pids")), ("the fleet works\n", before));
    set_up.stdout("ensure-up --quiet --stop");
    assert_eq!(set_up.stdout("ensure-up --status --pids"), "");
}
