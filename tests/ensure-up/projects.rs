//! Two projects on one machine: whose a server is, asked from both folders in every way, and what lives after.

use std::{collections::BTreeMap, fs, path::PathBuf};

use proc_tree::process;
use serde_json::Value;

use crate::{
    site::{Site, fixture, line},
    support::{Output, Tool},
};

/// The folders `a` and `b`, and ports that both want: P, Q and R in what is typed.
pub(crate) struct Projects {
    pub(crate) site: Site,
    pub(crate) first: Vec<u32>,
}

/// A call of one folder, its status, its answer, and which servers live after it: by their folders, with a `+` behind each
/// that this call started.
pub(crate) type Row<'r> = (&'r str, &'r str, i32, &'r str, &'r str);

impl Projects {
    pub(crate) fn new() -> Self {
        let site = Site::with_ports(3);
        for name in ["a", "b"] {
            fs::create_dir(site.path(name)).unwrap();
        }
        Self { site, first: Vec::new() }
    }

    /// One in whose folder `a` a server runs.
    pub(crate) fn with(started: &str) -> Self {
        let mut projects = Self::new();
        projects.begin(started);
        projects
    }

    /// Begins again: nothing is recorded, and one server runs, if any.
    pub(crate) fn begin(&mut self, started: &str) {
        self.site.clear();
        let _ = fs::remove_dir_all(self.site.path("state"));
        if !started.is_empty() {
            self.type_in("a", started).run();
        }
        self.first = self.site.alive();
    }

    /// The folder, as the kernel names it.
    pub(crate) fn folder(&self, name: &str) -> String {
        self.site.word(name)
    }

    /// Puts in what stands for it: ports, folders, and the command of a server.
    pub(crate) fn filled(&self, text: &str) -> String {
        let port = self.site.port;
        let numbers = text.replace("{P}", &port.to_string()).replace("{Q}", &(port + 1).to_string());
        let numbers = numbers.replace("{R}", &(port + 2).to_string());
        numbers.replace("{a}", &self.folder("a")).replace("{b}", &self.folder("b"))
    }

    /// Prepares a call as it is typed in a folder; `-- serve` is the same server everywhere, `-- other` has another command.
    pub(crate) fn type_in(&self, folder: &str, typed: &str) -> Tool {
        let filled = self.filled(typed);
        let (options, command) = filled.split_once("-- ").unwrap_or((&filled, ""));
        let words = options.split_whitespace().map(|word| word.replace("''", ""));
        let tool = self.site.bare().cwd(&self.site.path(folder)).any_stdout().any_stderr().args(words);
        match command {
            "" => tool,
            "serve" => tool.arg("--").args(self.site.server(&[])),
            _ => tool.arg("--").args(self.site.server(&["--body", command])),
        }
    }

    /// Writes a folder's services file: names, the ports' letters, other keys.
    pub(crate) fn write(&self, folder: &str, services: &[(&str, &str, &str)], more: &str) {
        let count = self.site.word("count");
        let one = |(name, port, keys): &(&str, &str, &str)| {
            let command = [&fixture(), "serve", "--count", &count, "127.0.0.1:{port}"];
            format!("[{name}]\ncommand = {command:?}\nport = {}\n{keys}\n", self.filled(port))
        };
        let file: String = services.iter().map(one).collect();
        fs::write(self.site.path(folder).join("ensure-up.toml"), file + more).unwrap();
    }

    /// Every file of the state folder.
    pub(crate) fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = fs::read_dir(self.site.path("state")).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    /// Which servers live.
    pub(crate) fn alive(&self) -> String {
        let name = |pid: u32| {
            let folder = process::cwd(pid).ok().flatten().and_then(|cwd| Some(cwd.file_name()?.to_owned()));
            let new = if self.first.contains(&pid) { "" } else { "+" };
            folder.map_or_else(String::new, |folder| format!("{}{new}", folder.display()))
        };
        let mut names: Vec<String> = self.site.alive().into_iter().map(name).collect();
        names.sort();
        names.join(" ")
    }

    /// Asks each row while the server of `started` runs in `a`.
    pub(crate) fn ask(started: &str, rows: &[Row<'_>]) {
        Self::new().ask_while(started, rows);
    }

    pub(crate) fn ask_while(mut self, started: &str, rows: &[Row<'_>]) {
        self.begin(started);
        let before = self.alive();
        let projects = &mut self;
        for row @ (folder, typed, status, answer, alive) in rows {
            let ran = projects.site.path(folder).join("ran");
            let output = projects.type_in(folder, typed).status(*status).run();
            let answered = answered(projects, folder, &output);
            assert!(answered.starts_with(&projects.filled(answer)), "{row:?}: {answered:?}");
            assert_eq!(projects.alive(), *alive, "{row:?}");
            assert_eq!(ran.exists(), typed.contains(RUN) && *status == 0, "{row:?}: the command of --then");
            let _ = fs::remove_file(ran);
            if *alive != before || answer.starts_with("adopted") {
                projects.begin(started);
            }
        }
    }
}

/// The command that tells that it ran.
pub(crate) const RUN: &str = "--then=:>ran";

/// The first thing that a call said: what was done, as its record has it, or its message.
pub(crate) fn answered(projects: &Projects, folder: &str, output: &Output) -> String {
    let Some(record) = output.stdout.strip_prefix('{').and_then(|_| output.stdout.lines().next()) else {
        return output.stderr.lines().chain(output.stdout.lines()).next().unwrap_or_default().into();
    };
    let record: Value = serde_json::from_str(record).unwrap();
    let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    if record["action"].is_string() && record["action"] != "stopped" && !folder.is_empty() {
        // a service is of the folder that asks
        assert_eq!(record["folder"], Value::from(projects.folder(folder)), "{record}");
    }
    let differs: Vec<&str> = record["differs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if record["action"] == "failed" {
        let line = line(output);
        assert_eq!((line.pid, line.healthy, line.pids.is_empty()), (None, false, line.differs == ["port"]), "{line:?}");
        let said = output.stderr.lines().next().unwrap_or_default();
        let is_told = |start: &str| said.starts_with(start) && said.ends_with(line.reason.as_deref().unwrap());
        // a message of its own, or the row of a service of the file
        assert!(is_told("ensure-up: ") || is_told(&format!("{}  failed  ", line.name)), "{output:?}");
    }
    [word("action") + &word("state"), differs.join(" "), word("reason")].join("|")
}

#[test]
fn a_port_that_the_server_of_another_project_holds_is_not_ours() {
    let another = "failed||port {P} is held by another service of yours: fixture (folder {a})";
    Projects::ask(
        "--port {P} -- serve",
        &[
            ("b", "--json --port {P} -- serve", 4, another, "a"),
            ("b", "--json --port {P} -- other", 4, another, "a"),
            ("b", "--json --port {P} --env DATABASE=test -- serve", 4, another, "a"),
            ("b", "--json --port {P} --name web -- serve", 4, another, "a"),
            ("b", "--json --port {P} --name fixture -- serve", 4, another, "a"),
            ("b", "--json --port {P} --restart -- serve", 4, another, "a"),
            ("b", "--json --port {P} --restart-if-changed -- serve", 4, another, "a"),
            ("b", "--json --port {P} --adopt never -- serve", 4, another, "a"),
            ("b", "--json --port {P} --match fixture -- serve", 4, another, "a"),
            ("b", "--json --port {P} --match nothing -- serve", 4, another, "a"),
            ("b", "--json --port {P} --keep-up -- serve", 4, another, "a"),
            ("b", "--json --port {P} --foreground -- serve", 4, another, "a"),
            ("b", "--json --port {P} --then=:>ran -- serve", 4, another, "a"),
            ("b", "--json --port {P} --then=:>ran --keep-up -- serve", 4, another, "a"),
            ("b", "--json --port {P} --adopt never --replace -- serve", 0, "replaced||", "b+"),
            ("b", "--json --port {P} --replace -- serve", 0, "replaced||", "b+"),
            ("b", "--json --port {P} --replace --match nothing -- other", 0, "replaced||", "b+"),
            ("b", "--json --port {P} --replace --name web -- serve", 0, "replaced||", "b+"),
            ("b", "--port {P} --replace --then=:>ran -- serve", 0, "replaced fixture on port {P} in ", ""),
            ("b", "--json --port {P} --adopt any -- serve", 0, "adopted||it holds the port", "a"),
            ("b", "--json --port {P}-{Q} -- serve", 0, "started||", "a b+"),
            ("b", "--json --port {Q} -- serve", 0, "started||", "a b+"),
            ("a", "--json --port {P} -- serve", 0, "reused||", "a"),
            ("a", "--json --port {P} --name web -- serve", 4, another, "a"),
            ("a", "--json --port {Q} -- serve", 0, "started||", "a a+"),
        ],
    );
}

#[test]
fn a_folder_is_the_one_that_the_server_is_started_in() {
    let projects = Projects::with("--port {P} -- serve");
    let again = line(&projects.type_in("b", "--json --port {P} --cwd ../a -- serve").run());
    assert_eq!((again.action.as_str(), again.folder), ("reused", Some(projects.site.path("a"))));
    let said = projects.type_in("a", "--port {P} --cwd ../b -- serve").status(4).run().stderr;
    assert!(said.contains("held by another service of yours: fixture (folder "), "{said}");
    assert_eq!(projects.alive(), "a");
}

#[test]
fn a_name_is_that_of_a_folder() {
    let another = "failed||port {P} is held by another service of yours: web (folder {a})";
    Projects::ask(
        "--port {P} --name web -- serve",
        &[
            ("b", "--json --port {P} --name web -- serve", 4, another, "a"),
            ("b", "--json --port {P} --name web --restart -- serve", 4, another, "a"),
            ("b", "--json --port {P} --name web --restart-if-changed -- other", 4, another, "a"),
            ("b", "--json --port {P} --name web --then=:>ran -- serve", 4, another, "a"),
            ("b", "--json --port {P} --name web --replace -- serve", 0, "replaced||", "b+"),
            ("b", "--json --port {Q} --name web -- serve", 0, "started||", "a b+"),
            ("b", "--json --port {Q} --name web --restart -- serve", 0, "started||", "a b+"),
            ("b", "--json --port {P} -- serve", 4, another, "a"),
            ("a", "--json --port {P} -- serve", 4, another, "a"),
            ("a", "--json --port {P} --name api -- serve", 4, another, "a"),
            ("a", "--json --port {P} --name api --replace -- serve", 0, "replaced||", "a+"),
            ("a", "--json --port {P} --name web -- serve", 0, "reused||", "a"),
        ],
    );
}

#[test]
fn ours_is_as_asked_or_it_is_said_in_what_it_is_not() {
    let differs = |parts: &str, words: &str| {
        format!("failed|{parts}|web is up on port {{P}}, but not as asked: it was started with {words}")
    };
    let command = differs("command", "another command");
    let environment = differs("environment", "another environment (DATABASE)");
    let both = differs("command environment", "another command and another environment (DATABASE)");
    let port = differs("port", "another port");
    let dev = "--json --port {P} --name web --env DATABASE=dev";
    let test = "--json --port {P} --name web --env DATABASE=test";
    let rows: &[(&str, &str, i32, &str, &str)] = &[
        (dev, "-- serve", 0, "reused||", "a"),
        (dev, "--adopt never -- serve", 0, "reused||", "a"),
        (dev, "--adopt any -- serve", 0, "reused||", "a"),
        (dev, "--match nothing -- serve", 0, "reused||", "a"),
        (dev, "--replace -- serve", 0, "reused||", "a"),
        (dev, "--restart-if-changed -- serve", 0, "reused||", "a"),
        (dev, "--then=:>ran -- serve", 0, "reused||", "a"),
        (dev, "--restart -- serve", 0, "restarted||", "a+"),
        (dev, "-- other", 4, &command, "a"),
        (dev, "--match serve -- other", 4, &command, "a"),
        (dev, "--foreground -- other", 4, &command, "a"),
        (dev, "--adopt any -- other", 0, "reused|command|", "a"),
        (dev, "--restart -- other", 0, "restarted||", "a+"),
        (test, "-- serve", 4, &environment, "a"),
        (test, "--adopt never -- serve", 4, &environment, "a"),
        (test, "--keep-up -- serve", 4, &environment, "a"),
        (test, "--foreground -- serve", 4, &environment, "a"),
        (test, "--then=:>ran -- serve", 4, &environment, "a"),
        (test, "--adopt any -- serve", 0, "reused|environment|", "a"),
        (test, "--replace -- serve", 0, "replaced||", "a+"),
        (test, "--restart -- serve", 0, "restarted||", "a+"),
        (test, "--restart-if-changed -- serve", 0, "restarted||", "a+"),
        (test, "-- other", 4, &both, "a"),
        ("--json --port {P} --name web", "-- serve", 4, &environment, "a"),
        ("--json --port {Q} --name web --env DATABASE=dev", "-- serve", 4, &port, "a"),
        ("--json --port {Q} --name web --env DATABASE=dev", "--then=:>ran -- serve", 4, &port, "a"),
        ("--json --port {Q} --name web --env DATABASE=dev", "--adopt any -- serve", 4, &port, "a"),
        ("--json --port {Q} --name web --env DATABASE=dev", "--replace -- serve", 0, "replaced||", "a+"),
        ("--json --port {Q} --name web --env DATABASE=dev", "--restart -- serve", 0, "restarted||", "a+"),
        ("--json --port {Q} --name web --env DATABASE=dev", "--restart-if-changed -- serve", 0, "restarted||", "a+"),
    ];
    let typed: Vec<String> = rows.iter().map(|(options, rest, ..)| format!("{options} {rest}")).collect();
    let rows: Vec<Row<'_>> = rows
        .iter()
        .zip(&typed)
        .map(|(&(_, _, status, answer, alive), typed)| ("a", typed.as_str(), status, answer, alive))
        .collect();
    Projects::ask("--port {P} --name web --env DATABASE=dev -- serve", &rows);
}

#[test]
fn what_says_how_to_start_a_server_chooses_none_and_never_means_all() {
    let projects = Projects::with("--port {P} --name web -- serve");
    projects.type_in("a", "--port {Q} --name api -- serve").run();
    let idle = |what: &str| format!("ensure-up: {what} names no server: give its name or its port\n");
    for (typed, message) in [
        ("--stop --match nothing", idle("--match")),
        ("--stop --restart-if-changed", idle("--restart-if-changed")),
        ("--stop --everywhere --grace 1s", idle("--grace")),
        ("--status --env A=b", idle("--env")),
        ("--stop -- serve", idle("the command after --")),
        ("--stop --port {P}-{Q}", "ensure-up: {P}-{Q} is a range: name a server, or its port\n".into()),
        ("--status --port {P}-{Q}", "ensure-up: {P}-{Q} is a range: name a server, or its port\n".into()),
        (
            "--stop --port {P} --all",
            "ensure-up: --all stops every server of this folder: give either names or --all\n".into(),
        ),
        ("--stop 0", "ensure-up: invalid name \"0\": a name or a port is expected\n".into()),
        (
            "--port {R} --name {Q} -- serve",
            "ensure-up: invalid name \"{Q}\": a name is neither empty nor a port\n".into(),
        ),
        ("--port {R} --name '' -- serve", "ensure-up: invalid name \"\": a name is neither empty nor a port\n".into()),
    ] {
        let said = projects.type_in("a", typed).status(2).stdout("").run().stderr;
        assert_eq!(said, projects.filled(&message), "{typed}");
    }
    for typed in ["--stop --then true", "--stop --foreground", "--logs --then true"] {
        projects.type_in("a", typed).status(2).stdout("").run();
    }
    assert_eq!(projects.alive(), "a a+");
    let status = projects.type_in("a", "--status --json --name api -- serve").run();
    assert_eq!(crate::support::records(&status.stdout).len(), 1, "{status:?}");
    projects.type_in("a", "--stop --name api --port {Q} --env A=b -- serve").run();
    assert_eq!(projects.alive(), "a");
}

#[test]
fn what_is_named_or_not_named_is_this_folders() {
    let unknown = "ensure-up: no server is named \"web\" in this folder";
    let running = "running||";
    Projects::ask(
        "--port {P} --name web -- serve",
        &[
            ("b", "--stop", 0, "no server of this folder runs", "a"),
            ("b", "--stop --all", 0, "no server of this folder runs", "a"),
            ("b", "--stop ''", 2, "ensure-up: invalid name \"\": a name or a port is expected", "a"),
            ("b", "--logs ''", 2, "ensure-up: invalid name \"\"", "a"),
            ("b", "--status ''", 2, "ensure-up: invalid name \"\"", "a"),
            ("b", "--stop web", 1, unknown, "a"),
            ("b", "--logs web", 1, unknown, "a"),
            ("b", "--status web", 1, unknown, "a"),
            ("b", "--stop web nothing", 1, unknown, "a"),
            ("b", "--stop --everywhere nothing", 1, "ensure-up: no server is named \"nothing\"", "a"),
            (
                "b",
                "--everywhere --port {Q} -- serve",
                2,
                "ensure-up: the following required arguments were not provided: <--status|--stop|--logs>",
                "a",
            ),
            ("b", "--stop {Q}", 0, "{Q}: not running", "a"),
            ("b", "--logs {Q}", 1, "ensure-up: no server is on port {Q}", "a"),
            ("b", "--logs {P}", 0, "ready 127.0.0.1:{P} pid=", "a"),
            ("b", "--logs web --everywhere", 0, "ready 127.0.0.1:{P} pid=", "a"),
            ("b", "--status --json", 0, running, "a"),
            ("b", "--status --json {P}", 0, running, "a"),
            ("b", "--status --json web --everywhere", 0, running, "a"),
            ("b", "--stop --json {P}", 0, "stopped||", ""),
            ("b", "--stop --json web --everywhere", 0, "stopped||", ""),
            ("b", "--stop --json --port {P}", 0, "stopped||", ""),
            ("b", "--stop --name web --port {P}", 1, unknown, "a"),
            ("b", "--stop --json --cwd ../a --name web", 0, "stopped||", ""),
            ("b", "--stop --json --cwd ../a", 0, "stopped||", ""),
            ("b", "--stop --json --everywhere", 0, "stopped||", ""),
            ("b", "--stop nothing {P}", 1, "ensure-up: no server is named \"nothing\" in this folder", ""),
            ("a", "--status --json web", 0, running, "a"),
            ("a", "--logs web", 0, "ready 127.0.0.1:{P} pid=", "a"),
            ("a", "--stop --json web", 0, "stopped||", ""),
            ("a", "--stop --json", 0, "stopped||", ""),
        ],
    );
    Projects::ask(
        "--port {P} -- serve",
        &[
            ("b", "--stop", 0, "no server of this folder runs", "a"),
            ("b", "--stop fixture", 1, "ensure-up: no server is named \"fixture\" in this folder", "a"),
            ("a", "--status --json fixture", 0, running, "a"),
            ("a", "--logs fixture", 0, "ready 127.0.0.1:{P} pid=", "a"),
            ("a", "--stop --json fixture", 0, "stopped||", ""),
        ],
    );
}
