//! What is said of the services of a file: a row for each, once.

use std::os::unix::process::ExitStatusExt;

use crate::{
    run, site,
    site::{Site, fixture},
    support::{Terminal, eventually},
};

/// Two that come up, one that does not, and one that needs it.
const SERVICES: [(&str, u16, &str, &str); 4] = [
    ("db", 0, "", ""),
    ("gateway", 1, "", "depends_on = [\"db\"]"),
    ("ml", 2, "--print loading --die-after 50 --delay 5000", ""),
    ("web", 3, "", "depends_on = [\"ml\"]"),
];

/// Returns the line that starts so, which is there once.
fn row<'t>(text: &'t str, start: &str) -> &'t str {
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with(start)).collect();
    let [row] = found[..] else { panic!("one line that starts with {start:?} in\n{text}") };
    row.trim_end()
}

#[test]
fn each_service_has_one_row_and_the_rows_are_aligned() {
    let site = site(&SERVICES);
    let said = run(&site, &["--all"]).stdout("").status(3).run().stderr;
    row(&said, &format!("db       started  {}  in ", site.port));
    let gateway = row(&said, &format!("gateway  started  {}  in ", site.port + 1));
    assert!(gateway.ends_with(", after db"), "{gateway}");
    let ended = format!(", before it held port {}", site.port + 2);
    assert!(row(&said, "ml       failed          ml ended with status 7 after ").ends_with(&ended), "{said}");
    assert_eq!(row(&said, "web "), "web      failed          not started: it needs ml, which is not up");
    // nobody will ask for the log where nobody reads this at once
    let lines: Vec<&str> = said.lines().collect();
    let at = lines.iter().position(|line| line.trim() == "loading").unwrap_or_else(|| panic!("{said}"));
    assert_eq!(lines[at], "           loading");
    assert_eq!(lines.iter().filter(|line| **line == "         hint: ensure-up --logs ml").count(), 1, "{said}");
    row(&said, "hint: ensure-up --status shows them, --logs NAME prints the log of one, --stop stops them");
    let again = run(&site, &["--all", "--print", "port"]).status(3).run();
    row(&again.stderr, "db       reused   ");
    assert!(!again.stderr.contains("hint: ensure-up --status"), "they are known here by now: {}", again.stderr);
    assert_eq!(again.stdout, format!("{}\n{}\n", site.port, site.port + 1), "what is not up has no line");
    // what it needs was not asked for
    run(&site, &["gateway", "--print", "port", "-q"]).stdout(format!("{}\n", site.port + 1)).run();
    let quiet = run(&site, &["--all", "-q"]).stdout("").status(3).run().stderr;
    assert!(!quiet.contains("reused") && quiet.contains("ml ") && quiet.contains("web "), "{quiet}");
}

#[test]
fn a_restart_says_after_whom_only_where_it_waited_for_that() {
    let site = site(&SERVICES[..2]);
    run(&site, &["--all"]).run();
    run(&site, &["--stop", "db"]).run();
    let said = run(&site, &["--restart", "gateway"]).run().stderr;
    assert!(row(&said, "gateway  restarted  ").ends_with(')'), "db is down: {said}");
}

#[test]
fn those_that_are_up_when_a_call_is_interrupted_are_named_with_what_stops_them() {
    let site = site(&[("db", 0, "", ""), ("api", 1, "", ""), ("slow", 2, "--delay 60000", "")]);
    let mut tool = run(&site, &["--all", "--color", "never"]);
    let mut terminal = Terminal::start(tool.command(), 120, 20);
    for name in ["db    started", "api   started"] {
        terminal.shows(name);
    }
    terminal.types("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(2), "{screen}");
    let note = "db and api go on: this call started them; ensure-up --stop db api stops them\r\n";
    assert!(screen.contains(note), "{screen:?}");
    eventually("the end of the slow one", || site.alive().len() == 2);
}

#[test]
fn logs_come_in_the_order_of_the_file() {
    let site = site(&[("web", 1, "--print hello", ""), ("db", 0, "--print bonjour", "")]);
    run(&site, &["--all"]).run();
    let shown = run(&site, &["--logs", "--tail", "2"]).run().stdout;
    let names: Vec<&str> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["web", "web", "db", "db"], "{shown}");
}

#[test]
fn a_port_of_datagrams_is_called_that_wherever_it_stands() {
    let site = Site::new();
    let text = format!(
        "[dns]\ncommand = [\"{}\", \"hold\", \"udp\", \"127.0.0.1:{{port}}\"]\nport = \"{}/udp\"\n",
        fixture(),
        site.port
    );
    std::fs::write(site.path("ensure-up.toml"), text).expect("the folder is ours");
    let said = run(&site, &["--all"]).run().stderr;
    row(&said, &format!("dns  started  {}/udp  in ", site.port));
    assert!(run(&site, &["--status"]).run().stdout.contains(&format!("{}/udp  running", site.port)));
}

#[test]
fn what_is_said_of_a_server_of_another_folder_is_to_be_typed_where_it_is_said() {
    let site = Site::with_ports(3);
    let here = site.path("here");
    for folder in [&here, &site.path("there"), &site.path("further"), &site.path("apart")] {
        std::fs::create_dir(folder).expect("the folder is ours");
    }
    let port = site.port.to_string();
    let call = |arguments: &[&str]| run(&site, arguments).cwd(&here);
    let server = site.server(&["--print", "hello"]);
    let server: Vec<&str> = server.iter().map(String::as_str).collect();
    let said =
        call(&[&["--cwd", "../there", "--name", "web", "--port", &port, "--"], &server[..]].concat()).run().stderr;
    assert!(said.ends_with(&format!("; stop: ensure-up --stop {port}; log: ensure-up --logs {port}\n")), "{said}");
    call(&["--stop", &port]).run();
    let worker = ["--cwd", "../further", "--name", "my worker", "--", "sleep", "60"];
    let said = call(&worker).run().stderr;
    let told = "; stop: ensure-up --stop 'my worker' --everywhere; log: ensure-up --logs 'my worker' --everywhere\n";
    assert!(said.ends_with(told), "{said}");
    call(&["--stop", "my worker", "--everywhere"]).run();
    assert!(site.processes().is_empty());

    let table = |name: &str, port: u16| format!("[{name}]\ncommand = {server:?}\nport = {port}\n");
    let file = table("web", site.port) + &table("db", site.port + 1);
    std::fs::write(site.path("apart/other.toml"), file).expect("the folder is ours");
    let said = call(&["--file", "../apart/other.toml", "--all"]).run().stderr;
    let of = "ensure-up --file ../apart/other.toml";
    row(&said, &format!("hint: {of} --status shows them, --logs NAME prints the log of one, --stop stops them"));
    let said = call(&["--file", "../apart/other.toml", "web", "--then", "false"]).status(1).run().stderr;
    row(&said, &format!("web: the end of its log (ensure-up --logs {port}):"));
    let broken = site.port + 2;
    let file = format!("[broken]\ncommand = \"echo no; exit 7\"\nport = {broken}\n");
    std::fs::write(site.path("apart/other.toml"), file).expect("the folder is ours");
    let said = call(&["--file", "../apart/other.toml", "broken"]).status(3).run().stderr;
    assert!(said.contains(&format!(" hint: ensure-up --logs {broken}\n")), "{said}");
    assert_eq!(call(&["--logs", &broken.to_string()]).run().stdout, "no\n");
}

#[test]
fn on_a_terminal_a_row_is_wrapped_at_its_edge_and_its_hint_stands_below_it() {
    let site = site(&SERVICES);
    let mut tool = run(&site, &["ml"]);
    let (status, screen) = Terminal::start(tool.command(), 60, 20).end();
    assert_eq!(status.code(), Some(3), "{screen}");
    let shown: Vec<&str> = screen.rsplit("\x1b[K").next().unwrap_or_default().lines().map(str::trim_end).collect();
    let [first, second, hint] = shown[..] else { panic!("three lines: {screen:?}") };
    assert!(first.starts_with("ml  failed          ml ended with status 7 after ") && first.len() <= 60, "{first}");
    let rest = second.strip_prefix(&" ".repeat(20)).unwrap_or_else(|| panic!("{second}"));
    assert!(rest.ends_with(&format!("held port {}", site.port + 2)), "{second}");
    assert_eq!(hint, "    hint: ensure-up --logs ml");
}

#[test]
fn one_line_says_what_is_still_on_its_way_and_those_that_are_done_stand_above_it() {
    let site =
        site(&[("db", 0, "", ""), ("api", 1, "--delay 60000 --print loading", ""), ("web", 2, "--delay 60000", "")]);
    let mut tool = run(&site, &["--all"]);
    let mut terminal = Terminal::start(tool.command(), 120, 20);
    terminal.shows(" starting api, web  ");
    terminal.shows(&format!("db   started  {}  in ", site.port));
    terminal.shows(" s of 60 s  api: nothing listens yet  \"loading\"\x1b[K");
    eventually("all that are started", || site.started().len() == 3);
    let pids = site.started();
    terminal.types("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(2), "{screen}");
    let stopped: Vec<&str> = screen.lines().filter_map(|line| line.rsplit("\x1b[K").next()).collect();
    for name in ["api", "web"] {
        let is_told = |pid: &u32| stopped.contains(&format!("stopped {name} (pid \u{1b}[36m{pid}\u{1b}[0m)").as_str());
        assert!(pids.iter().any(is_told), "{name}: {screen:?}");
    }
    assert!(stopped.contains(&"db goes on: this call started it; ensure-up --stop db stops it"), "{screen:?}");
    assert_eq!(site.alive().len(), 1, "db was up before the call was given up");
}
