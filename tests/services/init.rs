//! `--init`: a services file from what runs here, which the next call takes as it is.

use std::fs;

use crate::{
    by_name, run,
    site::{self, Site, line, start_by_hand},
    support::eventually,
};

#[test]
fn the_file_says_what_runs_and_all_of_it_is_reused() {
    let mut site = Site::new();
    site.port = site::ports(3);
    let server = site.server(&[]);
    let start = |options: &[&str]| {
        let mut words: Vec<&str> = options.to_vec();
        words.extend(["--json", "--"]);
        words.extend(server.iter().map(String::as_str));
        line(&run(&site, &words).run())
    };
    let port = |offset: u16| (site.port + offset).to_string();
    let named = start(&["--name", "web", "--port", &port(0), "--health", "/", "--env", "TOKEN=hidden-value"]);
    let bare = start(&["--port", &port(1)]);
    let words =
        ["--name", "worker", "--ready-log", "at work", "--", "/bin/sh", "-c", "echo at work; exec sleep ${N:-100}"];
    run(&site, &words).run();
    let by_hand: Vec<String> = server.iter().map(|word| word.replace("{port}", &port(2))).collect();
    let mut by_hand = start_by_hand(&site, &by_hand, &site.folder());
    eventually("its listener", || std::net::TcpStream::connect(("127.0.0.1", site.port + 2)).is_ok());

    let output = run(&site, &["--init"]).run();
    let file = fs::read_to_string(site.path("ensure-up.toml")).expect("a file");
    assert_eq!(output.stdout, file);
    assert!(!file.contains("hidden-value") && file.contains("env = { TOKEN = \"${TOKEN}\" }"), "{file}");
    assert!(file.contains("health = \"/\"") && file.contains("127.0.0.1:{port}"), "{file}");
    let ended = by_name(&run(&site, &["--all", "--json"]).run());
    assert!(ended.len() == 4 && ended.values().all(|record| record["action"] == "reused"), "{file}{ended:?}");
    let pids = |name: &str| ended[name]["pid"].as_u64().expect("a PID");
    assert_eq!(pids("web"), u64::from(named.pid.expect("a PID")));
    assert_eq!(pids("fixture"), u64::from(bare.pid.expect("a PID")));
    assert_eq!(pids("fixture-2"), u64::from(by_hand.id()));
    let status = by_name(&run(&site, &["--status", "--json"]).run());
    assert!(status.len() == 4 && status.values().all(|one| one["healthy"] == true), "{status:?}");

    run(&site, &["--init"]).status(2).stdout("").run();
    assert_eq!(fs::read_to_string(site.path("ensure-up.toml")).expect("it is left alone"), file);
    run(&site, &["--stop"]).run();
    by_hand.wait().expect("it was stopped");
    assert!(site.processes().is_empty());
}

#[test]
fn where_nothing_runs_nothing_is_written() {
    let site = Site::new();
    run(&site, &["--init"]).status(1).stdout("").run();
    run(&site, &["--init", "web"]).status(2).run();
    assert!(!site.path("ensure-up.toml").exists());
}
