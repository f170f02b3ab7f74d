//! `--then` by several callers: the last one out stops what was started for it; and what each is told.

use std::{fs, process::Child};

use nix::sys::signal::Signal;

use crate::{
    file::{run, site},
    site::{Site, send},
    support::{Tool, eventually},
};

/// A call whose command waits until there is a file of this name.
fn waiting(site: &Site, word: &str) -> Child {
    let command = format!("touch {word}.up; while ! test -e {word}; do sleep 0.02; done");
    let child = call(site, &command).spawn();
    eventually("the command", || site.path(&format!("{word}.up")).exists());
    child
}

fn call(site: &Site, command: &str) -> Tool {
    site.run(&["--then", command], &site.server(&[]))
}

/// Lets a call's command end, and returns what the call said.
fn ends(site: &Site, word: &str, child: Child) -> String {
    fs::write(site.path(word), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_last_one_out_stops_it_whoever_started_it() {
    for is_first_first in [true, false] {
        let site = Site::new();
        let first = waiting(&site, "first");
        let second = waiting(&site, "second");
        let (one, other) = if is_first_first {
            ((first, "first"), (second, "second"))
        } else {
            ((second, "second"), (first, "first"))
        };
        let said = ends(&site, one.1, one.0);
        assert!(said.ends_with("fixture goes on: another --then uses it\n"), "{said}");
        assert_eq!(site.alive(), site.started());
        let said = ends(&site, other.1, other.0);
        assert!(!said.contains("goes on"), "{said}");
        assert!(site.processes().is_empty() && site.started().len() == 1);
    }
}

#[test]
fn what_stays_in_the_foreground_leaves_its_server_to_a_command_that_uses_it() {
    let site = Site::new();
    let mut first = site.run(&["--foreground"], &site.server(&[])).spawn();
    eventually("the server", || site.bare().arg("--status").finish().stdout.contains("yes"));
    let second = waiting(&site, "second");
    send(first.id(), Signal::SIGINT);
    eventually("the end of the first call", || first.try_wait().unwrap().is_some());
    let said = String::from_utf8(first.wait_with_output().unwrap().stderr).unwrap();
    assert!(said.ends_with("fixture goes on: a --then uses it, and stops it in the end\n"), "{said}");
    assert_eq!(site.alive(), site.started());
    ends(&site, "second", second);
    assert!(site.processes().is_empty() && site.started().len() == 1, "the last one out stops it");
}

#[test]
fn a_use_ends_with_its_process_also_when_that_is_killed() {
    let site = Site::new();
    let mut first = waiting(&site, "first");
    let second = waiting(&site, "second");
    send(first.id(), Signal::SIGKILL);
    first.wait().unwrap();
    fs::write(site.path("first"), "").unwrap();
    ends(&site, "second", second);
    eventually("nothing that runs", || site.processes().is_empty());
}

#[test]
fn what_somebody_wanted_up_without_a_command_meanwhile_stays() {
    let site = Site::new();
    let first = waiting(&site, "first");
    site.serve(&[]).run();
    let said = ends(&site, "first", first);
    assert!(said.ends_with("fixture goes on: it was asked for without --then meanwhile\n"), "{said}");
    assert_eq!(site.alive(), site.started());
    // and is no command's by that
    call(&site, "true").run();
    assert_eq!(site.alive(), site.started());
    // the next one that is started for a command is
    site.bare().args(["--stop", &site.port.to_string()]).any_stderr().run();
    call(&site, "true").run();
    assert!(site.alive().is_empty() && site.started().len() == 2);
}

#[test]
fn many_callers_at_once_have_one_server_and_the_last_stops_it() {
    let site = Site::new();
    let calls: Vec<Child> = (0..6).map(|_| call(&site, "test $(wc -l < count) = 1; sleep 0.3").spawn()).collect();
    for call in calls {
        let output = call.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!((site.started().len(), site.processes().len()), (1, 0));
}

#[test]
fn several_services_are_shared_as_well_and_each_tells_its_port() {
    let site = site(&[("my-db", "", ""), ("api", "", "depends_on = \"my-db\"\nkeep_up = true")]);
    let wait = |word: &str| {
        let command =
            format!("echo $PORT $PORT_API $PORT_MY_DB; touch {word}.up; while ! test -e {word}; do sleep 0.02; done");
        let child = run(&site, &["api", "--then", &command]).spawn();
        eventually("the command", || site.path(&format!("{word}.up")).exists());
        child
    };
    let (first, second) = (wait("first"), wait("second"));
    fs::write(site.path("first"), "").unwrap();
    let output = first.wait_with_output().unwrap();
    let (api, db) = (site.port + 1, site.port);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{api} {api} {db}\n"));
    assert_eq!(site.alive().len(), 2);
    fs::write(site.path("second"), "").unwrap();
    second.wait_with_output().unwrap();
    assert!(site.processes().is_empty());
    let output = run(&site, &["--all", "--then", "echo \"$PORT\" $PORT_API"]).run();
    assert_eq!(output.stdout, format!(" {api}\n"));
    let bare = site.run(&["--name", "web", "--then", "echo $PORT $PORT_WEB"], &site.server(&[])).run();
    assert_eq!(bare.stdout, format!("{0} {0}\n", site.port));
}

#[test]
fn the_end_of_the_logs_is_shown_when_the_command_fails_or_a_server_dies() {
    let site = site(&[("web", "--print hello", ""), ("db", "--die-after 300", "")]);
    let output = run(&site, &["--all", "--then", "sleep 0.6; exit 4"]).status(4).run();
    let parts = [
        "ensure-up: db ended with status 7 while the command runs\ndb: the end of its log (ensure-up --logs db):\n  ready 127.0.0.1:",
        "ensure-up: \"sleep 0.6; exit 4\" ended with status 4\n",
        "web: the end of its log (ensure-up --logs web):\n  hello\n  ready ",
        "stopped web",
    ];
    let places: Vec<_> = parts.iter().map(|part| output.stderr.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{output:?}");
    let killed = run(&site, &["web", "--then", "kill -9 $$"]).status(137).run();
    assert!(killed.stderr.contains("ensure-up: \"kill -9 $$\" was ended by SIGKILL\n"), "{killed:?}");
    let quiet = run(&site, &["-q", "web", "--then", "exit 4"]).status(4).run();
    assert_eq!(quiet.stderr, "");
    assert_eq!(output.stderr.matches("the end of its log").count(), 2, "{output:?}");
    let fine = run(&site, &["web", "--then", "true"]).run();
    assert!(!fine.stderr.contains("hello") && !fine.stderr.contains("stopped"), "{fine:?}");
    // over the terminal meanwhile, and not once more
    for arguments in [&["--all"][..], &["web"]] {
        let output = run(&site, &["--foreground", "--then", "sleep 0.5; exit 4"]).args(arguments).status(4).run();
        assert_eq!(output.stderr.matches("hello\n").count(), 1, "{output:?}");
        assert!(!output.stderr.contains("the end of its log"), "{output:?}");
    }
}
