//! docs/recipes.md: its counts are counted, and its files run as they stand there, on other ports.

use std::{fs, net::TcpListener, path::PathBuf, process::Command};

use crate::{
    SetUp,
    support::{eventually, free_ports, installed, project, shell::binaries, skipped},
};

fn document() -> PathBuf {
    project().join("docs/recipes.md")
}

fn text() -> String {
    fs::read_to_string(document()).expect("the recipes are there")
}

/// The recipe's ports, in the places of the document's.
pub(crate) struct Ports {
    pub(crate) server: u16,
    pub(crate) shop: u16,
    pub(crate) database: u16,
}

/// Writes these files of the document into a folder of their own, unless a program is missing that they need.
pub(crate) fn written(files: &[&str], programs: &[&str]) -> Option<(SetUp, Ports)> {
    let set_up = SetUp::empty(programs)?;
    let first = free_ports(21);
    let text = text();
    for file in files {
        let block =
            text.split_once(&format!(" {file}\n")).map(|(_, rest)| rest.split("\n```").next().unwrap_or_default());
        let block = block.unwrap_or_else(|| panic!("there is no {file}"));
        let block = block
            .replace("8000-8099", &format!("{first}-{}", first + 9))
            .replace("3000-3099", &format!("{}-{}", first + 10, first + 19))
            .replace("8000", &first.to_string())
            .replace("3000", &(first + 10).to_string())
            .replace("5432", &(first + 20).to_string());
        fs::write(set_up.path(file), block + "\n").expect("the folder is ours");
    }
    Some((set_up, Ports { server: first, shop: first + 10, database: first + 20 }))
}

/// Returns the commands that stand in a file as JSON arrays, behind these words.
fn commands(set_up: &SetUp, file: &str, words: &str) -> Vec<Vec<String>> {
    let text = set_up.read(file);
    let arrays = text.lines().filter_map(|line| Some(&line[line.find(&format!("{words} ["))? + words.len() + 1..]));
    arrays.map(|array| serde_json::from_str(array).expect("an array of words")).collect()
}

/// Writes a command for the shell.
fn line(command: &[String]) -> String {
    command.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

fn lines(script: &str) -> usize {
    script.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

#[test]
fn the_lines_before_and_after_are_counted() {
    let text = text();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| [")).map(|row| row.split(" | ").collect::<Vec<_>>());
    let mut counted = 0;
    for row in rows {
        let [title, before, after] = row[..] else { panic!("a row is a set-up and two counts: {row:?}") };
        let title = title.split(']').next().expect("a title");
        let section = text.split(&format!("\n### {title}\n")).nth(1).unwrap_or_else(|| panic!("no section {title}"));
        let old = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a script");
        let new = section.split("](").nth(1).and_then(|rest| rest.split(')').next()).expect("a link");
        let new = fs::read_to_string(document().with_file_name(new)).expect("the link leads somewhere");
        let is = (lines(old).to_string(), format!("{} |", lines(&new)));
        assert_eq!((is.0.as_str(), is.1.as_str()), (before, after), "{title}");
        let parsed = Command::new("/bin/sh").args(["-n", "-c", old]).status();
        assert!(parsed.is_ok_and(|status| status.success()), "{title}");
        counted += 1;
    }
    assert_eq!(counted, 5);
}

#[test]
fn make_ensures_a_server_before_the_tests() {
    let Some((set_up, ports)) = written(&["Makefile"], &["make", "python3"]) else { return };
    assert!(set_up.stderr("make --silent -j2 test", 0).contains("started python3"));
    assert!(set_up.stderr("make --silent test", 0).contains("reused python3"));
    set_up.stdout("make --silent down");
    set_up.stderr(&format!("port-who {}", ports.server), 1);
}

#[test]
fn npm_test_runs_while_npm_start_is_up() {
    let files = ["package.json", "server.js", "e2e.js"];
    let Some((set_up, ports)) = written(&files, &["npm", "node"]) else { return };
    assert_eq!(set_up.stdout("npm test --silent"), "the server says: shop\n");
    set_up.stderr(&format!("port-who {}", ports.shop), 1);
    fs::write(set_up.path("e2e.js"), "process.exit(7)").expect("the folder is ours");
    set_up.stderr("npm test --silent", 7);
}

/// What a runner of tests has started ends with it.
fn leaves_nothing(set_up: &SetUp) {
    eventually("the end of the server", || set_up.site.processes().is_empty());
}

#[test]
fn node_test_has_a_server_of_its_own() {
    let Some((set_up, _)) = written(&["server.js", "shop.test.js"], &["node"]) else { return };
    assert!(set_up.stdout("node --test --test-reporter=tap shop.test.js").contains("# pass 1\n"));
    leaves_nothing(&set_up);
}

#[test]
fn a_fixture_of_pytest_is_a_server() {
    let Some((set_up, _)) = written(&["conftest.py", "test_shop.py"], &["pytest", "python3"]) else { return };
    assert!(set_up.stdout("pytest -q -p no:cacheprovider").contains("1 passed"));
    leaves_nothing(&set_up);
}

#[test]
fn the_steps_of_the_workflow_run() {
    let Some((set_up, ports)) = written(&["workflow.yml"], &["python3"]) else { return };
    if installed("check-jsonschema").is_some() {
        set_up.stdout("check-jsonschema --builtin-schema vendor.github-workflows workflow.yml");
    }
    let workflow = set_up.read("workflow.yml");
    let steps = workflow.lines().filter_map(|line| line.trim_start().strip_prefix("- run: "));
    let steps: Vec<&str> = steps.filter(|step| !step.starts_with("cargo ")).collect();
    for step in &steps {
        set_up.stdout(step);
    }
    assert_eq!(steps.len(), 4);
    assert!(set_up.path("use.json").exists() && set_up.path("use.svg").exists());
    set_up.stderr(&format!("port-who {}", ports.server), 1);
}

#[test]
fn an_entrypoint_waits_for_the_database_and_becomes_the_server() {
    let Some((set_up, ports)) = written(&["Dockerfile"], &["python3"]) else { return };
    let arrays = |words| commands(&set_up, "Dockerfile", words);
    let (entrypoint, cmd) = (arrays("ENTRYPOINT"), arrays("CMD"));
    let (check, server) = (line(&cmd[0]), line(&[&entrypoint[0][..], &cmd[1][..]].concat()));
    let mut container = set_up.shell(&format!("exec {server}")).spawn().expect("a shell runs");
    set_up.stderr(&check, 1);
    let database = TcpListener::bind(("127.0.0.1", ports.database)).expect("the port is free");
    set_up.stdout(&format!("health-wait --quiet :{}", ports.server));
    set_up.stdout(&check);
    assert_eq!(set_up.stdout(&format!("port-who {}", ports.server)), format!("{}\n", container.id()));
    set_up.stdout(&format!("port-kill --quiet {}", ports.server));
    container.wait().expect("it can be waited for");
    drop(database);
}

#[test]
fn the_manifest_is_valid_and_its_commands_run() {
    let Some((set_up, ports)) = written(&["deployment.yaml"], &["python3"]) else { return };
    if installed("kubernetes-validate").is_some() {
        set_up.stdout("kubernetes-validate --strict deployment.yaml");
    }
    let commands = commands(&set_up, "deployment.yaml", "command:");
    let [init, server, probes @ ..] = &commands[..] else { panic!("{commands:?}") };
    let database = TcpListener::bind(("127.0.0.1", ports.database)).expect("the port is free");
    set_up.stdout(&line(init));
    drop(database);
    for probe in probes {
        set_up.stderr(&line(probe), 1);
    }
    set_up.stdout(&format!("ensure-up --quiet --port {} -- {}", ports.server, line(server)));
    for probe in probes {
        set_up.stdout(&line(probe));
    }
    assert_eq!(probes.len(), 2);
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let Some((set_up, _)) = written(&["report.service"], &["systemd-analyze"]) else { return };
    let unit = set_up.read("report.service").replace("/usr/local/bin", &binaries().to_string_lossy());
    fs::write(set_up.path("report.service"), unit).expect("the folder is ours");
    let output = set_up.run("systemd-analyze verify --man=no ./report.service");
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("Failed to initialize manager") || said.contains("Failed to connect") {
        return skipped(&said);
    }
    assert!(output.status.success() && !said.contains("report.service"), "{said}");
}

#[test]
fn a_session_of_tmux_shows_a_server_and_ends_it() {
    let Some((set_up, ports)) = written(&["dev-session"], &["tmux", "python3"]) else { return };
    let sockets = set_up.site.folder();
    let set_up = set_up.with("TMUX_TMPDIR", &sockets.display()).with("TMUX", "");
    set_up.stdout("sh ./dev-session");
    eventually("the server's row", || set_up.stdout("tmux capture-pane -p -t shop").contains("running"));
    set_up.stdout(&format!("tmux kill-session -t shop; health-wait --quiet port-free:{}", ports.server));
}
