//! What is said of a server that is not the one that is asked for: whose it is, in what it differs, and what is right here.

use std::process::Command;

use crate::{
    projects::{Projects, answered},
    site::{Site, fixture, line, listens, shell},
    support::{Tool, records},
};

/// The call that a hint names first.
fn hinted(said: &str) -> &str {
    let hint = said.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap_or_else(|| panic!("no hint: {said}"));
    let call = hint.split_once("ensure-up ").unwrap_or_else(|| panic!("no call: {hint}")).1;
    call.split_once(" stops it").map_or(call, |(call, _)| call)
}

#[test]
fn a_name_has_one_server_also_when_its_new_port_is_held() {
    for (option, status, answer, alive) in [
        ("", 4, "failed|command folder|port {Q} is held by another program", "a b+"),
        (
            "--adopt any",
            4,
            "failed|port|web is up on port {P}, but not as asked: it was started with another port",
            "a b+",
        ),
        ("--replace", 0, "replaced||", "a+"),
    ] {
        let projects = Projects::with("--port {P} --name web -- serve");
        let command: Vec<String> =
            ["serve", "--count", &projects.site.word("count"), &projects.filled("127.0.0.1:{Q}")]
                .map(str::to_owned)
                .into();
        let mut stranger = Command::new(fixture()).args(command).current_dir(projects.site.path("b")).spawn().unwrap();
        listens(([127, 0, 0, 1], projects.site.port + 1).into());
        let typed = format!("--json --port {{Q}} --name web {option} -- other");
        let output = projects.type_in("a", &typed).status(status).run();
        assert!(answered(&projects, "a", &output).starts_with(&projects.filled(answer)), "{option}: {output:?}");
        assert_eq!(projects.alive(), alive, "{option}");
        projects.site.clear();
        stranger.wait().unwrap();
    }
}

#[test]
fn one_that_another_project_replaced_does_not_run_and_its_port_is_anothers() {
    for (typed, name) in [("-- serve", "fixture"), ("--name web -- serve", "web")] {
        let projects = Projects::with(&format!("--port {{P}} {typed}"));
        projects.type_in("b", "--port {P} --name blog --replace -- serve").run();
        let said = projects.type_in("a", &format!("--stop {name}")).status(4).stdout("").run().stderr;
        let lines: Vec<&str> = said.lines().collect();
        let message = "does not run: port {P} is held by another service of yours: blog (folder {b})";
        assert_eq!(lines[0], projects.filled(&format!("ensure-up: {name} {message}")));
        assert_eq!(lines[2], projects.filled("hint: ensure-up --stop {P} stops it"));
        assert_eq!(projects.alive(), "b+");
        assert_eq!(
            projects.type_in("a", "--stop").run().stderr,
            "no server of this folder runs\n1 more in other folders: ensure-up --status --everywhere\n"
        );
        projects.type_in("a", hinted(&said)).run();
        let said = projects.type_in("a", &format!("--stop {name}")).run().stderr;
        assert_eq!(said, projects.filled(&format!("{name} on port {{P}}: not running\n")));
        assert_eq!(projects.alive(), "");
    }
}

#[test]
fn a_name_with_a_space_is_quoted_where_it_is_to_be_typed() {
    let site = Site::new();
    std::fs::create_dir(site.path("a")).unwrap();
    site.bare().cwd(&site.path("a")).args(["--name", "my worker", "--", "sleep", "60"]).any_stderr().run();
    let said = site.bare().args(["--stop", "my worker"]).status(1).any_stderr().run().stderr;
    let call = hinted(&said);
    assert_eq!(call, "--stop 'my worker' --everywhere");
    let line = format!("\"$0\" {call}");
    let shell = Tool::new("sh").args(["-c", &line, env!("CARGO_BIN_EXE_ensure-up")]).cwd(&site.folder());
    let said = shell.env("ENSURE_UP_DIR", site.path("state")).any_stderr().run().stderr;
    assert!(said.starts_with("stopped my worker ") && site.processes().is_empty(), "{said}");
}

#[test]
fn the_message_says_what_differs_and_whose_it_is_and_what_is_right_here() {
    let wanted = "--port {P} --name web -- serve";
    let projects = Projects::with(wanted);
    let said = projects.type_in("b", wanted).status(4).run().stderr;
    let lines: Vec<&str> = said.lines().collect();
    let message = "ensure-up: port {P} is held by another service of yours: web (folder {a})";
    assert_eq!((lines.len(), lines[0]), (3, projects.filled(message).as_str()));
    let holder = format!("  {}  {} serve ", projects.first[0], fixture());
    assert!(lines[1].starts_with(&holder) && lines[1].contains("   up ") && lines[1].ends_with("iB"), "{said}");
    let hint = "hint: ensure-up --stop {P} stops it; --replace stops it and starts this one; or take another port";
    assert_eq!(lines[2], projects.filled(hint));
    projects.type_in("b", hinted(&said)).run();
    assert_eq!(line(&projects.type_in("b", &format!("--json {wanted}")).run()).action, "started");
    assert_eq!(line(&projects.type_in("a", &format!("--json --replace {wanted}")).run()).action, "replaced");

    let changed = "--port {P} --name web --env DATABASE=test -- other";
    let said = projects.type_in("a", changed).status(4).run().stderr;
    let message = "ensure-up: web is up on port {P}, but not as asked: it was started with another command and another \
                   environment (DATABASE)";
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[2]), (&*projects.filled(message), "hint: --restart-if-changed restarts it"));
    let restarted = projects.type_in("a", &format!("--json --restart-if-changed {changed}")).run();
    assert_eq!(line(&restarted).action, "restarted");
    assert_eq!(projects.alive(), "a+");
}

/// A service in folder `a` that has opened a second port.
fn two_ports(option: &str) -> Projects {
    let projects = Projects::new();
    let script = projects.filled("\"$0\" serve 127.0.0.1:{Q} & exec \"$0\" \"$@\"");
    let both = shell(&script, &projects.site.server(&[]));
    projects.type_in("a", &format!("--port {{P}} --name two {option}")).arg("--").args(both).run();
    listens(([127, 0, 0, 1], projects.site.port + 1).into());
    projects
}

#[test]
fn a_second_port_of_a_service_is_freed_by_stopping_it_at_its_own() {
    for option in ["", "--keep-up"] {
        let projects = two_ports(option);
        let message = "port {Q} is held by another service of yours: two (folder {a})";
        for typed in ["--port {Q} -- serve", "--stop {Q}"] {
            let said = projects.type_in("b", typed).status(4).run().stderr;
            assert!(said.starts_with(&projects.filled(&format!("ensure-up: {message}\n"))), "{typed}: {said}");
            assert!(said.contains(&projects.filled("\nhint: ensure-up --stop {P} stops it")), "{typed}: {said}");
            if typed.starts_with("--stop") {
                projects.type_in("b", hinted(&said)).run();
            }
        }
        assert_eq!(projects.alive(), "");
    }
}

#[test]
fn another_service_is_replaced_whole_at_its_second_port() {
    for option in ["", "--keep-up"] {
        let projects = two_ports(option);
        let first = projects.site.processes();
        let replaced = line(&projects.type_in("b", "--json --replace --port {Q} -- serve").run());
        assert_eq!((replaced.action.as_str(), projects.alive().as_str()), ("replaced", "b+"), "{option}");
        assert!(first.iter().all(|one| !one.is_running().unwrap()), "{option}: its supervisor and both of its servers");
    }
}

#[test]
fn where_a_name_is_unknown_it_is_said_where_it_is_known_and_the_port_finds_it() {
    let projects = Projects::with("--port {P} --name web -- serve");
    for (option, found) in [("--status --table", "web "), ("--logs", "ready 127.0.0.1:"), ("--stop", "stopped web ")] {
        let said = projects.type_in("b", &format!("{option} web")).status(1).run().stderr;
        let expected = format!(
            "ensure-up: no server is named \"web\" in this folder\n\
             hint: web (folder {{a}}) is on port {{P}}: ensure-up {} {{P}}\n",
            option.trim_end_matches(" --table")
        );
        assert_eq!(said, projects.filled(&expected));
        let output = projects.type_in("b", hinted(&said)).run();
        assert!(format!("{}{}", output.stdout, output.stderr).contains(found), "{option}: {output:?}");
    }
    assert_eq!(projects.alive(), "");
}

#[test]
fn a_name_that_two_servers_bear_is_status_two_with_both() {
    let projects = Projects::with("--port {P} --name web -- serve");
    projects.type_in("b", "--port {Q} --name web -- serve").run();
    for option in ["--stop", "--logs", "--status"] {
        let said = projects.type_in("b", &format!("{option} web --everywhere")).status(2).stdout("").run().stderr;
        let both = "ensure-up: \"web\" is the name of more than one server: web (folder {a}) on port {P} and web (folder \
                    {b}) on port {Q}\nhint: name one by its port\n";
        assert_eq!(said, projects.filled(both), "{option}");
    }
    assert_eq!(projects.alive(), "a b+");
    assert_eq!(records(&projects.type_in("b", "--stop --json web").run().stdout)[0]["port"], projects.site.port + 1);
    assert_eq!(projects.alive(), "a");
    // in one folder, too: a bare command goes by its program, and a name may be that of several in a range
    for (started, name) in [("-- serve", "fixture"), ("--name ml --new -- serve", "ml")] {
        let projects = Projects::with(&format!("--port {{P}}-{{Q}} {started}"));
        let other = started.replace("-- serve", "-- other");
        projects.type_in("a", &format!("--port {{P}}-{{Q}} {other}")).run();
        let said = projects.type_in("a", &format!("--stop {name}")).status(2).run().stderr;
        let both = format!("{name} (folder {{a}}) on port {{P}} and {name} (folder {{a}}) on port {{Q}}\n");
        assert!(said.contains(&projects.filled(&both)), "{said}");
        assert_eq!(projects.alive(), "a a+");
    }
}
