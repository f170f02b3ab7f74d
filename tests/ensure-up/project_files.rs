//! Two projects with a services file each, which want the same ports.

use std::{collections::BTreeMap, fs, path::PathBuf};

use proc_tree::Identity;
use serde_json::Value;

use crate::{
    projects::{Projects, RUN},
    site::end,
    support::records,
};

#[test]
fn a_profile_is_not_the_server_of_another_one() {
    let projects = Projects::new();
    let dev = "env = { DATABASE = \"dev\" }";
    projects.write("a", &[("api", "{P}", dev)], "[profile.test.api]\nenv = { DATABASE = \"test\" }\n");
    let changed = "failed|environment|api is up on port {P}, but not as asked: it was started with another environment (DATABASE)";
    let told = "running||not as asked: another environment (DATABASE)";
    projects.ask_while(
        "api",
        &[
            ("a", "--json api", 0, "reused||", "a"),
            ("a", "--json --profile test api", 4, changed, "a"),
            ("a", "--json --profile test --all", 4, changed, "a"),
            ("a", "--json --profile test --adopt never api", 4, changed, "a"),
            ("a", "--json --profile test --then=:>ran api", 4, changed, "a"),
            ("a", "--json --profile test --then=:>ran --all", 4, changed, "a"),
            ("a", "--json --profile test --adopt any api", 0, "reused|environment|", "a"),
            ("a", "--json --profile test --replace api", 0, "replaced||", "a+"),
            ("a", "--json --profile test --restart api", 0, "restarted||", "a+"),
            ("a", "--json --profile test --restart-if-changed api", 0, "restarted||", "a+"),
            ("a", "--json --restart-if-changed api", 0, "reused||", "a"),
            ("a", "--json --status", 0, "running||", "a"),
            ("a", "--json --status --profile test", 0, told, "a"),
            ("a", "--logs api --profile test", 0, "ready 127.0.0.1:{P} pid=", "a"),
            ("a", "--json --stop --profile test", 0, "stopped||", ""),
        ],
    );
}

/// Two projects of one services file each, which want the same ports.
fn of_files() -> Projects {
    let projects = Projects::new();
    projects.write("a", &[("web", "{P}", ""), ("db", "{Q}", "")], "");
    projects.write("b", &[("web", "{P}", ""), ("late", "{R}", "depends_on = \"web\""), ("db", "{Q}", "")], "");
    projects
}

#[test]
fn a_name_of_the_file_is_not_the_server_of_another_projects_file() {
    let another = "failed||port {P} is held by another service of yours: web (folder {a})";
    of_files().ask_while(
        "--all",
        &[
            ("b", "--json web", 4, another, "a a"),
            ("b", "--json --restart web", 4, another, "a a"),
            ("b", "--json --restart-if-changed web", 4, another, "a a"),
            ("b", "--json --adopt never web", 4, another, "a a"),
            ("b", "--json --match fixture web", 4, another, "a a"),
            ("b", "--json --then=:>ran web", 4, another, "a a"),
            ("b", "--json --adopt any web", 0, "adopted||it holds the port", "a a"),
            ("b", "--json --replace web", 0, "replaced||", "a b+"),
            ("b", "--json --stop web", 4, another, "a a"),
            (
                "b",
                "--stop web",
                4,
                "ensure-up: web does not run: port {P} is held by another service of yours: ",
                "a a",
            ),
            ("b", "--logs web", 1, "ensure-up: there is no log ", "a a"),
            ("b", "--json --status web", 1, "foreign||its port is held by another service of yours: web (", "a a"),
            ("b", "--stop", 0, "late on port {R}: not running", "a a"),
            ("b", "--json --stop", 0, "stopped||not running", "a a"),
            ("b", "--json --stop {P}", 0, "stopped||", "a"),
            ("b", "--json --stop --everywhere", 0, "stopped||", ""),
            ("a", "--json --stop", 0, "stopped||", ""),
            ("a", "--json --stop db", 0, "stopped||", "a"),
        ],
    );
}

#[test]
fn all_tells_of_each_service_whose_its_port_is_and_ends_as_the_first_that_failed() {
    let mut projects = of_files();
    projects.begin("--all");
    let output = projects.type_in("b", &format!("--json --all {RUN}")).status(4).run();
    let told: BTreeMap<String, Value> =
        records(&output.stdout).into_iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one)).collect();
    let held =
        |port: &str, name: &str| format!("port {port} is held by another service of yours: {name} (folder {{a}})");
    for (name, port, reason) in [
        ("web", 0, held("{P}", "web")),
        ("db", 1, held("{Q}", "db")),
        ("late", 2, "not started: it needs web, which is not up".into()),
    ] {
        let record = &told[name];
        assert_eq!((&record["action"], &record["reason"]), (&"failed".into(), &projects.filled(&reason).into()));
        assert_eq!(
            (&record["folder"], &record["port"]),
            (&projects.folder("b").into(), &(projects.site.port + port).into())
        );
    }
    assert!(!projects.site.path("b/ran").exists(), "a command ran without its servers");
    assert_eq!((told.len(), projects.alive().as_str()), (3, "a a"));
    // what ends with another status decides where it stands first
    let (broken, web) = (("broken", "{R}", ""), ("web", "{P}", ""));
    for (services, status) in [([broken, web], 3), ([web, broken], 4)] {
        projects.write("b", &services, "");
        let path = projects.site.path("b/ensure-up.toml");
        let dying =
            fs::read_to_string(&path).unwrap().replacen("[broken]\ncommand = [", "[broken]\ncommand = [\"false\", ", 1);
        fs::write(path, dying).unwrap();
        projects.type_in("b", &format!("--all {RUN}")).status(status).run();
        assert!(!projects.site.path("b/ran").exists(), "a command ran without its servers");
    }
    assert_eq!(projects.alive(), "a a");
}

#[test]
fn a_listing_is_of_this_folder_says_whose_a_port_is_and_changes_nothing() {
    let mut projects = of_files();
    projects.begin("--all");
    projects.type_in("b", "--port {R} -- serve").run();
    let listed = |folder: &str, typed: &str| records(&projects.type_in(folder, typed).finish().stdout);
    let rows = |folder: &str, typed: &str| -> Vec<String> {
        let row = |one: Value| {
            assert_eq!(one["command"][1], "serve", "{one}");
            let name = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            let folder = PathBuf::from(name("folder")).file_name().unwrap().display().to_string();
            format!("{folder}/{} {} {}", name("name"), name("state"), name("reason")).trim().to_owned()
        };
        listed(folder, typed).into_iter().map(row).collect()
    };
    let held = |name: &str| {
        projects
            .filled(&format!("b/{name} foreign its port is held by another service of yours: {name} (folder {{a}})"))
    };
    let in_b = [
        held("web"),
        projects.filled("b/late foreign its port is held by another service of yours: fixture (folder {b})"),
        held("db"),
        "b/fixture running".into(),
    ];
    let before = projects.state();
    assert_eq!(rows("a", "--status --json"), ["a/web running", "a/db running"]);
    assert_eq!(rows("b", "--status --json"), in_b);
    let everywhere: Vec<String> =
        in_b[..3].iter().cloned().chain(["a/web running".into(), "a/db running".into(), in_b[3].clone()]).collect();
    assert_eq!(rows("b", "--status --json --everywhere"), everywhere);
    let said = projects.type_in("b", "--status --table").run();
    assert_eq!(said.stderr, "2 more in other folders: ensure-up --status --everywhere\n");
    assert!(!said.stdout.contains("FOLDER"), "{}", said.stdout);
    let said = projects.type_in("b", "--status --table --everywhere").run();
    let header: Vec<&str> = said.stdout.lines().next().unwrap().split_whitespace().collect();
    assert_eq!((header[..3].join(" "), said.stderr.as_str()), ("NAME FOLDER PORT".into(), ""));
    assert!(said.stdout.contains(&format!("web      {}  ", projects.folder("a"))), "{}", said.stdout);
    let readings =
        ["--status", "--status web", "--status {Q} --json", "--logs web", "--logs {P}", "--status --everywhere --pids"];
    let read = || {
        for (folder, typed) in ["a", "b"].iter().flat_map(|folder| readings.map(|typed| (folder, typed))) {
            projects.type_in(folder, typed).finish();
        }
    };
    read();
    assert_eq!(projects.state(), before);
    // one that was killed stays listed, one whose record is lost is found
    let web = listed("a", "--status --json web")[0]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap();
    end(Identity::of(web).unwrap().unwrap());
    let (lost, _) = before
        .iter()
        .find(|(path, text)| {
            path.extension().is_some_and(|kind| kind == "json") && String::from_utf8_lossy(text).contains("\"fixture\"")
        })
        .unwrap();
    fs::remove_file(lost).unwrap();
    let before = projects.state();
    read();
    assert_eq!(projects.state(), before);
    assert_eq!(listed("a", "--status --json web")[0]["state"], "stopped");
    assert_eq!(listed("b", "--status --json {R}")[0]["state"], "running");
}
