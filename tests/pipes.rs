//! The five tools together, as pipes and scripts use them, and the script that README.md gives.

mod support;

#[path = "pipes/colour.rs"]
mod colour;
#[path = "pipes/completion.rs"]
mod completion;
#[path = "pipes/pages.rs"]
mod pages;
#[path = "pipes/schema.rs"]
mod schema;
#[cfg(target_os = "linux")]
#[path = "pipes/start_ids.rs"]
mod start_ids;
#[cfg(target_os = "linux")]
#[path = "pipes/surroundings.rs"]
mod surroundings;

use std::{fs, process::Output};

use support::{
    Fixture, installed, project, runs,
    schema::checked,
    shell::{TOOLS, binaries, script, shell},
};

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).expect("the tools write text")
}

#[test]
fn a_record_of_port_who_is_what_proc_tree_and_port_kill_read() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "--forks", "2", "127.0.0.1:0"]);
    let port = server.port();
    let trees =
        checked("proc-tree", &stdout(&script(&format!("port-who --json {port} | proc-tree --json"), folder.path())));
    assert_eq!((trees[0]["pid"].as_u64(), trees[0]["processes"].as_u64()), (Some(server.pid().into()), Some(3)));
    let killed =
        checked("port-kill", &stdout(&script(&format!("port-who --json {port} | port-kill --json -"), folder.path())));
    let outcomes: Vec<_> = killed.iter().filter(|record| record["kind"] == "process").collect();
    assert!(outcomes.len() == 3 && outcomes.iter().all(|record| record["outcome"] == "terminated"), "{killed:?}");
    assert!(server.pids().into_iter().all(|pid| !runs(pid)));
}

#[test]
fn port_who_names_the_service_that_ensure_up_started() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = support::free_port();
    let fixture = support::fixture_path();
    let said = stdout(&script(
        &format!(
            "ensure-up --quiet --port {port} --name api -- {} serve 127.0.0.1:{port} >&2
             port-who --why --json {port}
             ensure-up --quiet --stop {port} >&2",
            fixture.display()
        ),
        folder.path(),
    ));
    let record = &checked("port-who", &said)[0];
    let starter = &record["started_by"];
    let expected = fs::canonicalize(folder.path()).expect("it is there");
    assert_eq!((&starter["kind"], &starter["service"]), (&"ensure_up".into(), &"api".into()), "{record}");
    assert_eq!((starter["folder"].as_str(), &record["orphan"]), (expected.to_str(), &false.into()), "{record}");
}

#[test]
fn bare_pids_go_into_kill() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut server = Fixture::start(["serve", "127.0.0.1:0"]);
    stdout(&script(&format!("kill $(port-who {})", server.port()), folder.path()));
    assert!(!server.wait().success());
}

#[test]
fn nothing_is_lost_when_a_reader_goes_away() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "--forks", "3", "127.0.0.1:0"]);
    for tool in ["port-who --json", "port-who --table", "port-kill --dry-run"] {
        let output = script(&format!("{{ {tool} {}; echo $? >&2; }} | true", server.port()), folder.path());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n", "{tool}");
    }
}

#[test]
fn a_full_disk_is_said() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid) = (server.port(), server.pid());
    let commands = [
        format!("port-who --json {port}"),
        format!("port-kill --dry-run {port}"),
        format!("proc-tree {pid}"),
        format!("health-wait --json :{port}"),
        format!("ensure-up --adopt any --json --port {port} -- true"),
    ];
    for command in commands {
        let output = script(&format!("{command} > /dev/full || exit $?"), folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{command}: {said}");
        assert!(said.contains("cannot write to standard output: no space left on device"), "{command}: {said}");
    }
}

#[test]
fn a_standard_output_that_is_closed_is_said() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid) = (server.port(), server.pid());
    let commands = [
        format!("port-who {port}"),
        format!("port-who --json {port}"),
        format!("port-kill --dry-run {port}"),
        format!("proc-tree {pid}"),
        format!("health-wait --json :{port}"),
        format!("ensure-up --adopt any --json --port {port} -- true"),
        "port-who --help".to_owned(),
        "port-kill --generate bash".to_owned(),
    ];
    for command in commands {
        let output = script(&format!("{command} >&- || exit $?"), folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{command}: {said}");
        assert!(said.contains("cannot write to standard output: bad file descriptor"), "{command}: {said}");
    }
    // who says nothing there does not need it, and /dev/null is open, however it was opened
    for command in [format!("health-wait :{port} >&-"), format!("port-who {port} 1<>/dev/null")] {
        assert_eq!(script(&command, folder.path()).status.code(), Some(0), "{command}");
    }
}

#[test]
fn prometheus_is_told_of_ports_that_nobody_holds_and_of_servers_that_were_given_up() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "--forks", "2", "127.0.0.1:0"]);
    let (port, free) = (server.port(), support::free_port());
    let told = stdout(&script(&format!("port-who --openmetrics {port} {free} {free}-{}", free + 1), folder.path()));
    assert!(told.contains(&format!("\nport_who_holders{{port=\"{port}\"}} 3\n")), "{told}");
    assert!(told.contains(&format!("\nport_who_holders{{port=\"{free}\"}} 0\nport_who_holders")), "{told}");
    assert!(!told.contains(&format!("port=\"{}\"", free + 1)), "a port of a range is no series of its own: {told}");
    assert_eq!(told.matches("port_who_holder_uptime_seconds{").count(), 3, "{told}");
    assert!(told.starts_with("# TYPE port_who_holders gauge\n# HELP ") && told.ends_with("\n# EOF\n"), "{told}");
    // nobody is an answer here, too, and the status says so
    let nobody = script(&format!("port-who --openmetrics {free}"), folder.path());
    assert!(nobody.status.code() == Some(1) && nobody.stdout.ends_with(b"\"} 0\n# EOF\n"), "{nobody:?}");

    let broken = "ensure-up -q --keep-up --max-restarts 1/60s --backoff 1ms..1ms --ready-log up --name job";
    script(&format!("{broken} -- sh -c 'echo up; exit 1' 2>/dev/null; true"), folder.path());
    support::eventually("a server that was given up", || {
        let told = stdout(&script("ensure-up --status --openmetrics", folder.path()));
        told.contains("ensure_up_running{name=\"job\"") && told.contains(",port=\"\",state=\"broken\"} 1\n")
    });
    for line in ["ensure-up --openmetrics", "ensure-up --status --json --openmetrics", "port-who --why --openmetrics"] {
        assert_eq!(script(line, folder.path()).status.code(), Some(2), "{line}");
    }
}

fn readme() -> String {
    fs::read_to_string(project().join("README.md")).expect("the README is there")
}

#[test]
fn the_script_of_the_readme_runs() {
    if installed("python3").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let readme = readme();
    let text =
        readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the README has a script");
    let port = support::free_port().to_string();
    let output = script(&text.replace("8000", &port), folder.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let results = stdout(&output);
    assert!(said.contains("started python3 on port") && said.contains("reused python3 on port"), "{said}");
    assert!(results.contains("terminated") && results.ends_with(&format!("port {port} is free\n")), "{results}");
}

#[test]
fn every_flag_that_the_readme_shows_is_in_the_help() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let readme = readme();
    let lines = readme.lines().map(|line| line.trim_start_matches("$ "));
    for line in lines {
        let Some(tool) = TOOLS.iter().find(|tool| line.starts_with(&format!("{tool} "))) else { continue };
        let own = line.split(" -- ").next().and_then(|line| line.split(" | ").next()).unwrap_or(line);
        let help = stdout(&script(&format!("{tool} --help"), folder.path()));
        for flag in own.split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{tool} has no {flag}: {line}");
        }
    }
}
