//! ensure-up with a services file: several servers at once, dependencies first.

mod support;

#[path = "ensure-up/site.rs"]
#[allow(dead_code, reason = "the tests of one server use the rest of it")]
mod site;

#[path = "services/believed.rs"]
mod believed;
#[path = "services/init.rs"]
mod init;
#[path = "services/said.rs"]
mod said;
#[path = "services/secrets.rs"]
mod secrets;
#[path = "services/values.rs"]
mod values;

use std::{collections::HashMap, fmt::Write, fs, os::unix::process::ExitStatusExt, thread};

use nix::sys::signal::Signal;
use serde_json::Value;
use site::{Site, fixture};
use support::{Output, Tool, records};

/// A services file with a table per line: name, offset of the port from the site's, options of the fixture, other keys.
fn write(site: &Site, services: &[(&str, u16, &str, &str)]) {
    let mut file = String::new();
    let (program, count) = (fixture(), site.word("count"));
    for (name, offset, options, keys) in services {
        let options: String = options.split_whitespace().fold(String::new(), |all, word| all + &format!("{word:?}, "));
        writeln!(
            file,
            "[{name}]\ncommand = [{program:?}, \"serve\", \"--count\", {count:?}, {options}\"127.0.0.1:{{port}}\"]\nport = {}\n{keys}",
            site.port + offset
        )
        .expect("a string takes everything");
    }
    fs::write(site.path("ensure-up.toml"), file).expect("the folder is ours");
}

fn site(services: &[(&str, u16, &str, &str)]) -> Site {
    let site = Site::with_ports(12);
    write(&site, services);
    site
}

fn run(site: &Site, arguments: &[&str]) -> Tool {
    site.bare().args(arguments).any_stdout().any_stderr()
}

fn by_name(output: &Output) -> HashMap<String, Value> {
    let named = |record: Value| (record["name"].as_str().expect("a name").to_owned(), record);
    records(&output.stdout).into_iter().map(named).collect()
}

const GRAPH: [(&str, u16, &str, &str); 10] = [
    ("web", 0, "", "depends_on = [\"api\", \"static\"]"),
    ("api", 1, "--delay 150", "depends_on = [\"db\", \"cache\"]"),
    ("db", 2, "--delay 300", ""),
    ("cache", 3, "", "depends_on = \"db\""),
    ("static", 4, "", ""),
    ("mail", 5, "", "depends_on = [\"queue\"]"),
    ("queue", 6, "", ""),
    ("jobs", 7, "", "depends_on = [\"queue\", \"db\"]"),
    ("admin", 8, "", "depends_on = [\"api\"]"),
    ("docs", 9, "", ""),
];

#[test]
fn ten_services_come_up_dependencies_first_and_once() {
    let site = site(&GRAPH);
    let first = run(&site, &["--all", "--json"]).run();
    let order: Vec<String> =
        records(&first.stdout).iter().map(|record| record["name"].as_str().expect("a name").to_owned()).collect();
    let place = |name: &str| order.iter().position(|known| known == name).expect(name);
    for (name, _, _, keys) in GRAPH {
        for (needed, ..) in GRAPH.iter().filter(|(needed, ..)| keys.contains(&format!("\"{needed}\""))) {
            assert!(place(needed) < place(name), "{name} needs {needed}: {order:?}");
        }
    }
    assert!(records(&first.stdout).iter().all(|record| record["action"] == "started" && record["healthy"] == true));
    let again = run(&site, &["--all", "--json"]).run();
    assert!(records(&again.stdout).iter().all(|record| record["action"] == "reused"), "{}", again.stdout);
    assert_eq!(site.alive().len(), 10);
    let stopped = run(&site, &["--stop", "--json"]).run();
    let order: Vec<String> =
        records(&stopped.stdout).iter().map(|record| record["name"].as_str().expect("a name").to_owned()).collect();
    let place = |name: &str| order.iter().position(|known| known == name).expect(name);
    assert!(place("web") < place("api") && place("api") < place("db") && place("mail") < place("queue"), "{order:?}");
    assert!(site.alive().is_empty());
}

#[test]
fn two_calls_at_once_start_each_service_once() {
    let site = site(&GRAPH);
    thread::scope(|scope| {
        let calls: Vec<_> = (0..2).map(|_| scope.spawn(|| run(&site, &["--all", "--json"]).run())).collect();
        for call in calls {
            assert_eq!(records(&call.join().expect("a call").stdout).len(), 10);
        }
    });
    assert_eq!((site.started().len(), site.alive().len()), (10, 10));
}

#[test]
fn what_is_named_is_started_with_what_it_needs_and_nothing_else() {
    let site = site(&GRAPH);
    let found = by_name(&run(&site, &["--json", "cache", "docs"]).run());
    let mut names: Vec<&str> = found.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache", "db", "docs"]);
    run(&site, &["nothing"]).status(2).run();
}

#[test]
fn a_service_that_fails_stops_only_what_needs_it_and_gives_its_status() {
    let site = site(&[
        ("late", 0, "", "depends_on = [\"broken\"]"),
        ("fine", 1, "", ""),
        ("broken", 2, "--print loading --die-after 50 --delay 5000", ""),
        ("later", 3, "", "depends_on = [\"late\"]"),
    ]);
    let output = run(&site, &["--all", "--json"]).status(3).run();
    let found = by_name(&output);
    assert_eq!(found["fine"]["action"], "started");
    let reason = |name: &str| found[name]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason("broken").contains("ended with status 7"), "{}", reason("broken"));
    assert_eq!(reason("late"), "not started: it needs broken, which is not up");
    assert_eq!(reason("later"), "not started: it needs late, which is not up");
    assert!(output.stderr.contains("  loading\n"), "{}", output.stderr);
    assert!(run(&site, &["--logs", "broken"]).run().stdout.contains("loading"));
}

#[test]
fn the_status_is_that_of_the_first_that_failed_in_the_files_order() {
    let site =
        site(&[("slow", 0, "--delay 60000", "timeout = \"300ms\""), ("quick", 1, "--die-after 0 --delay 5000", "")]);
    run(&site, &["--all"]).status(124).run();
}

#[test]
fn one_after_the_other_is_the_files_order_where_dependencies_allow() {
    let site = site(&[("a", 0, "--delay 100", ""), ("b", 1, "", "depends_on = [\"c\"]"), ("c", 2, "", "")]);
    let output = run(&site, &["--all", "--sequential", "--json"]).run();
    let order: Vec<_> = records(&output.stdout).iter().map(|record| record["name"].clone()).collect();
    assert_eq!(order, ["a", "c", "b"]);
}

#[test]
fn a_profile_is_laid_over_and_the_file_is_found_from_below() {
    let site = site(&[("api", 0, "", "health = \"/\"\nenv = { A = \"1\", WHO = \"${SOMEBODY}\" }")]);
    let mut file = fs::read_to_string(site.path("ensure-up.toml")).expect("the file is there");
    write!(file, "[profile.dev.api]\nport = {}\nenv = {{ MORE = \"2\", WHO = \"dev\" }}\n", site.port + 1)
        .expect("text");
    fs::write(site.path("ensure-up.toml"), file).expect("the folder is ours");
    let below = site.path("some/folder");
    fs::create_dir_all(&below).expect("the folder is ours");
    let output = run(&site, &["--profile", "dev", "--json", "api"]).cwd(&below).env_remove("SOMEBODY").run();
    let record = &records(&output.stdout)[0];
    assert_eq!(record["port"], site.port + 1);
    let pid = record["pid"].as_u64().expect("a PID");
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).expect("the server is ours");
    for variable in ["A=1", "MORE=2", "WHO=dev"] {
        let found = environment.split('\0').filter(|found| found.split('=').next() == variable.split('=').next());
        assert_eq!(found.collect::<Vec<_>>(), [variable], "a profile's variables are laid over the service's");
    }
    assert_eq!(proc_tree::process::cwd(u32::try_from(pid).expect("a PID")).expect("ours"), Some(site.folder()));
    let said = run(&site, &["--profile", "dve", "--all"]).env("SOMEBODY", "me").status(2).run().stderr;
    assert!(said.contains("there is no profile \"dve\"\nhint: did you mean \"dev\"?\n"), "{said}");
    let said = run(&site, &["--all"]).env_remove("SOMEBODY").status(2).run().stderr;
    assert!(said.contains(":5:") && said.contains("the variable SOMEBODY is not set"), "{said}");
}

#[test]
fn a_profile_that_is_not_asked_for_is_checked_but_for_what_the_callers_variables_make_of_it() {
    let site = site(&[("api", 0, "", "")]);
    let path = site.path("ensure-up.toml");
    let file = fs::read_to_string(&path).expect("the file is there");
    let line = file.lines().count() + 2;
    for (key, told) in [
        ("prot = 1", format!(":{line}:1: unknown key \"prot\"\nhint: did you mean \"port\"?")),
        ("port = true", format!(":{line}:8: port has to be a string or a number")),
        ("grace = \"soon\"", format!(":{line}:9: ")),
        ("env = { A = [] }", format!(":{line}:9: the variable A has to be a string")),
    ] {
        fs::write(&path, format!("{file}[profile.test.api]\n{key}\n")).expect("the folder is ours");
        for arguments in [&["--all"][..], &["api"], &["--profile", "test", "api"]] {
            let said = run(&site, arguments).status(2).run().stderr;
            assert!(said.contains(&told), "{arguments:?}: {said}");
        }
    }
    fs::write(&path, format!("{file}[profile.test.api]\nport = \"${{UNSET}}\"\n")).expect("the folder is ours");
    run(&site, &["api"]).env_remove("UNSET").run();
    let said = run(&site, &["--profile", "test", "api"]).env_remove("UNSET").status(2).run().stderr;
    assert!(said.contains(&format!(":{line}:8: the variable UNSET is not set")), "{said}");
}

#[test]
fn what_makes_no_sense_is_told_with_its_place_and_nothing_is_started() {
    let site = site(&[]);
    for (text, told) in [
        ("x = 1", ":1:1: x has to be a table"),
        (
            "[a]\ncommand = \"x\"\n[profile.ci]\nport = 80",
            ":4:1: port has to be a table, not integer: a service is written [profile.ci.port]",
        ),
        ("[a]\ncommand = \"x\"\nprot = 80", ":3:1: unknown key \"prot\"\nhint: did you mean \"port\"?"),
        ("[a]\nport = 80\ncommand = 3", ":3:11: command has to be"),
        ("[a]\nport = 80\ncommand = []", ":3:11: command has to be"),
        ("[a]\ncommand = \"x\"\nport = \"80x\"", ":3:8: invalid port \"80x\""),
        ("[a]\ncommand = \"x\"\nport = 80\ntimeout = \"5q\"", ":4:11: invalid duration \"5q\""),
        ("[a]\ncommand = \"x\"\nport = 80\nmatch = \"a(\"", ":4:9: invalid match \"a(\": unclosed group\n"),
        ("[a]\ncommand = \"x\"\nport = 80\nkeep_up = \"yes\"", ":4:11: keep_up has to be true or false"),
        ("[a]\nport = 80", ":2:1: the service a has no command"),
        ("[a\n", ":1:3: "),
        (
            "[a]\ncommand = \"x\"\nport = 1\ndepends_on = [\"bb\"]\n[b]\ncommand = \"x\"\nport = 2",
            "hint: did you mean \"b\"?",
        ),
        (
            "[a]\ncommand = \"x\"\nport = 1\ndepends_on = [\"b\"]\n[b]\ncommand = \"x\"\nport = 2\ndepends_on = [\"a\"]",
            "in a circle: a → b → a",
        ),
        (
            "[b]\ncommand = \"x\"\nport = 80\n[a]\ncommand = \"y\"\nport = \"80\"",
            "other.toml:6:8: port 80 is that of the service b: each needs its own",
        ),
        (
            "[b]\ncommand = \"sleep 60\"\n[a]\ncommand = \"x\"\nonce = true\nkeep_up = true",
            ":4:1: keeping it up does not go with --once",
        ),
        ("[b]\ncommand = \"sleep 60\"\n[a]\ncommand = \"x\"\nidle_stop = \"1m\"", ":4:1: --idle-stop needs a TCP port"),
        ("[a]\ncommand = \"x\"\nport = \"80/udp\"\nhold_socket = true", ":2:1: --hold-socket needs a TCP port"),
        (
            "[b]\ncommand = \"x\"\nport = 80\n[a]\ncommand = \"y\"\nport = 81\nhealth = [\"/ok\", \"http//{b.port}\"]",
            ":7:18: invalid target \"http//1\": expected a URL",
        ),
        (
            "[a]\ncommand = \"x\"\nport = 80\nhealth = \"pg_isready -q | grep x\"",
            ":4:10: invalid target \"pg_isready -q | grep x\": a line for the shell is exec:pg_isready -q | grep x\n\
             hint: did you mean \"exec:pg_isready -q | grep x\"?",
        ),
        (
            "[b]\ncommand = \"sleep 60\"\n[a]\ncommand = \"x\"\nhealth = \"/ok\"",
            ":5:10: the health path \"/ok\" needs a TCP port",
        ),
        ("[a]\nport = 80\ncommand = \"x\"\nexpect_body = \"ok\"", ":2:1: --expect-body needs an HTTP health target"),
    ] {
        fs::write(site.path("other.toml"), text).expect("the folder is ours");
        let said = run(&site, &["--file", "other.toml", "--all"]).status(2).stdout("").run().stderr;
        assert!(said.starts_with("ensure-up: ") && said.contains(told), "{text}: {said}");
    }
    run(&site, &["--file", "none.toml", "--all"]).status(2).run();
    run(&site, &["--all", "a"]).status(2).run();
    assert!(site.processes().is_empty());
}

#[test]
fn what_is_named_twice_is_one() {
    let site = site(&[("a", 0, "", ""), ("b", 1, "", "")]);
    let (port, other) = (site.port.to_string(), (site.port + 1).to_string());
    run(&site, &["a", "a"]).run();
    let names = |arguments: &[&str], status: i32| {
        let listed = run(&site, &[&["--status", "--json"], arguments].concat()).status(status).run();
        let names = records(&listed.stdout).into_iter().map(|record| record["name"].as_str().map(str::to_owned));
        names.collect::<Option<Vec<_>>>().expect("names").join(" ")
    };
    assert_eq!(names(&["a", "a"], 0), "a");
    assert_eq!(names(&["a", "b", &port, &other, "a"], 1), "a b");
    assert_eq!(records(&run(&site, &["--stop", "--json", "a", &port, "a"]).run().stdout).len(), 1);
}

#[test]
fn a_command_runs_while_all_are_up_and_then_they_are_stopped() {
    let site = site(&[("db", 0, "", ""), ("api", 1, "--delay 100", "depends_on = [\"db\"]")]);
    run(&site, &["db"]).run();
    let output = run(&site, &["--all", "--then", "wc -l < count; exit 6"]).status(6).run();
    assert_eq!(output.stdout.trim(), "2");
    assert_eq!(site.alive(), site.started()[..1], "only what this call started is stopped");
}

#[test]
fn pids_are_those_of_all_in_ascending_order() {
    let site = site(&[("db", 0, "--forks 1", ""), ("api", 1, "", "hold_socket = false")]);
    let said = run(&site, &["--all", "--pids"]).run().stdout;
    let pids: Vec<u32> = said.lines().map(|pid| pid.parse().expect("a PID a line")).collect();
    assert!(pids.len() == 3 && pids.is_sorted(), "{said}");
    assert!(site.started().iter().all(|pid| pids.contains(pid)), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_whose_starter_is_killed_is_not_up_and_the_others_are() {
    let site = site(&[("slow", 0, "--delay 60000", ""), ("other", 1, "", "")]);
    let call = run(&site, &["--all", "--json"]).spawn();
    support::eventually("both servers", || site.started().len() == 2);
    let is_starter = |pid: u32| {
        let words = proc_tree::process::command(pid).ok().flatten().unwrap_or_default();
        words.windows(2).any(|pair| pair == ["--starter", "slow"])
    };
    let starter = site.processes().into_iter().find(|one| is_starter(one.pid)).expect("it waits for its server");
    site::send(starter.pid, Signal::SIGKILL);
    let output = call.wait_with_output().expect("a child");
    assert_eq!(output.status.code(), Some(137), "{output:?}");
    let found: HashMap<String, Value> = records(&String::from_utf8_lossy(&output.stdout))
        .into_iter()
        .map(|record| (record["name"].as_str().expect("a name").to_owned(), record))
        .collect();
    assert_eq!((&found["slow"]["action"], &found["other"]["action"]), (&"failed".into(), &"started".into()));
    assert_eq!(found["slow"]["reason"], "the process that starts it was ended by SIGKILL");
}

#[test]
fn a_signal_stops_what_is_on_its_way_up() {
    let site = site(&[("slow", 0, "--delay 60000", ""), ("other", 1, "--delay 60000", "")]);
    let mut child = run(&site, &["--all"]).spawn();
    support::eventually("both servers", || site.started().len() == 2);
    site::send(child.id(), Signal::SIGTERM);
    assert_eq!(child.wait().expect("a child").signal(), Some(15));
    assert!(site.alive().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn what_starts_the_next_service_waits_for_its_turn_and_ends_where_that_does_not_come() {
    let site = site(&[
        ("db", 0, "--delay 60000", ""),
        ("api", 1, "", "depends_on = [\"db\"]"),
        ("web", 2, "", "depends_on = [\"api\"]"),
    ]);
    let starters = |name: &str| lines_with(&site, &[&format!("--starter {name} ")]).1.len();
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut call = run(&site, &["--all"]).spawn();
        support::eventually("the server, what starts it, and what starts the next one", || {
            site.alive().len() == 1 && starters("db") == 1 && starters("api") == 1
        });
        assert_eq!(starters("web"), 0, "one step ahead is enough");
        site::send(call.id(), signal);
        assert!(!call.wait().expect("a child").success());
        support::eventually("the end of the one that has nothing to do", || starters("api") == 0);
        assert_eq!(starters("db"), usize::from(signal == Signal::SIGKILL), "what is begun is no longer the call's");
    }
    assert_eq!(site.started().len(), 2, "api never began");
}

#[test]
fn the_status_of_a_service_that_was_started_by_hand_is_that_of_whoever_holds_its_port() {
    let site = site(&[("web", 0, "", "")]);
    let server = [fixture(), "serve".into(), "127.0.0.1:{port}".into()];
    let mut child = site::by_hand(&site, &server, &site.folder());
    let status = || by_name(&run(&site, &["--status", "--json"]).run()).remove("web").expect("the service");
    let foreign = status();
    assert_eq!(
        (&foreign["state"], &foreign["pid"], &foreign["healthy"]),
        (&"foreign".into(), &Value::Null, &false.into())
    );
    assert_eq!(foreign["reason"], "its port is held by another program");
    write(&site, &[("web", 0, "", "match = \"fixture serve 127\"")]);
    let matching = status();
    let pid = Value::from(child.id());
    assert_eq!((&matching["state"], &matching["pid"], &matching["healthy"]), (&"running".into(), &pid, &true.into()));
    let url = format!("tcp://localhost:{}", site.port);
    assert_eq!((&matching["url"], &matching["reason"]), (&url.into(), &Value::Null));
    assert!(!site.path("state").read_dir().is_ok_and(|mut found| found.next().is_some()), "to look records nothing");
    child.kill().and_then(|()| child.wait()).expect("it runs");
}

#[test]
fn options_of_the_call_go_for_all_services_and_values_stay_out_of_the_process_table() {
    let site = site(&[("api", 0, "", "env = { TOKEN = \"secret\" }\nkeep_up = true")]);
    run(&site, &["api"]).run();
    let lines: Vec<String> = site
        .processes()
        .iter()
        .filter_map(|identity| proc_tree::process::command(identity.pid).ok().flatten())
        .map(|words| words.join(" "))
        .collect();
    assert!(lines.len() >= 2 && lines.iter().all(|line| !line.contains("secret")), "{lines:?}");
    let found = by_name(&run(&site, &["--restart", "--json", "api"]).run());
    assert_eq!(found["api"]["action"], "restarted");
    assert_eq!((site.started().len(), site.alive().len()), (2, 1));
}

/// The command lines of a site's processes, and how many of them hold a word.
fn lines_with(site: &Site, words: &[&str]) -> (usize, Vec<String>) {
    let lines = site.processes().into_iter().filter_map(|one| fs::read(format!("/proc/{}/cmdline", one.pid)).ok());
    let lines: Vec<String> = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect();
    let leaks = lines.iter().filter(|line| words.iter().any(|word| line.contains(word))).cloned().collect();
    (lines.len(), leaks)
}

#[cfg(target_os = "linux")]
#[test]
fn no_secret_stands_in_the_command_line_of_a_supervisor_or_of_what_starts_a_service() {
    let site = site(&[
        (
            "api",
            0,
            "",
            "env = { TOKEN = \"s3cret\" }\nheader = \"Authorization: hush\"\nhealth = \"/\"\nkeep_up = true",
        ),
        ("slow", 1, "--delay 60000", "env = { TOKEN = \"s3cret\" }"),
    ]);
    let secrets = ["s3cret", "hush"];
    let supervisors = |site: &Site| lines_with(site, &["--supervise"]).1.len();
    let mut call = run(&site, &["--all"]).spawn();
    support::eventually("a supervisor, its server, a server that is on its way, what starts it, and the call", || {
        supervisors(&site) == 1 && site.started().len() == 2
    });
    let (seen, leaks) = lines_with(&site, &secrets);
    assert!(seen >= 5 && leaks.is_empty(), "{seen}: {leaks:?}");
    site::send(call.id(), Signal::SIGTERM);
    assert!(!call.wait().expect("a child").success());
    run(&site, &["--stop", "api"]).run();

    let port = (site.port + 2).to_string();
    let options =
        ["--port", &port, "--keep-up", "--health", "/", "--env", "TOKEN=s3cret", "-H", "Authorization: hush", "--"];
    site.bare().args(options).args(site.server(&[])).any_stdout().any_stderr().run();
    assert_eq!(supervisors(&site), 1);
    let (seen, leaks) = lines_with(&site, &secrets);
    assert!(seen >= 2 && leaks.is_empty(), "{seen}: {leaks:?}");
    let environment = fs::read_to_string(format!("/proc/{}/environ", site.started().last().expect("a server")));
    assert!(environment.is_ok_and(|text| text.contains("TOKEN=s3cret\0")));
}
