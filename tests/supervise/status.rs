//! The live view: what is measured, on a terminal and as JSON Lines.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
};

use nix::sys::signal::Signal;

use crate::{
    kept::{Entry, scripted},
    site::{Site, send},
    support::{Terminal, schema::checked},
};

#[test]
fn a_live_view_is_drawn_again_and_given_back() {
    let site = Site::new();
    site.kept(&["--name", "api"], &site.server(&[]));
    let mut tool = site.bare().args(["--status", "--watch=200ms"]);
    let mut terminal = Terminal::start(tool.command(), 140, 10);
    terminal.shows("\x1b[?1049h");
    terminal.shows("running");
    terminal.shows("NAME");
    send(site.started()[0], Signal::SIGKILL);
    site.generation(2);
    terminal.shows(&site.started()[1].to_string());
    terminal.types("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{screen}");
    let (_, after) = screen.rsplit_once("\x1b[?1049l").expect("the terminal is given back");
    assert!(after.contains("api"), "{after}");
}

#[test]
fn a_watch_as_json_is_one_record_per_server_and_round() {
    let site = Site::new();
    site.kept(&["--name", "api"], &site.server(&[]));
    let mut watch = site.bare().args(["--status", "--json", "--watch=50ms"]).spawn();
    let mut lines = BufReader::new(watch.stdout.take().expect("stdout is a pipe")).lines().map_while(Result::ok);
    let records = lines.by_ref().take(3).flat_map(|line| checked("ensure-up", &line));
    let entries: Vec<Entry> =
        records.map(|record| serde_json::from_value(record).expect("as the schema has it")).collect();
    for entry in &entries {
        assert_eq!((entry.name.as_str(), entry.port, entry.state.as_str()), ("api", site.port, "running"));
        assert_eq!(entry.folder, Some(site.folder()));
        let command: Vec<String> =
            site.server(&[]).iter().map(|word| word.replace("{port}", &site.port.to_string())).collect();
        assert_eq!(entry.command, Some(command));
        assert_eq!((entry.running, entry.healthy, entry.pid), (true, true, Some(site.started()[0])));
        assert!(entry.start_id.is_some() && entry.cpu_percent.is_some() && entry.memory_bytes > Some(10_000));
        let measure = if cfg!(target_os = "linux") { "pss" } else { "footprint" };
        assert_eq!(entry.memory_measure.as_deref(), Some(measure));
        assert_eq!(entry.url, Some(format!("tcp://localhost:{}", site.port)));
        assert_eq!(
            (entry.log.as_ref(), entry.reason.as_ref()),
            (Some(&site.file_of(&site.folder(), Some("api"), "log")), None)
        );
        assert!(entry.uptime_seconds.is_some_and(|uptime| uptime < 60.0));
    }
    let counted = |name: &str, status: i32| {
        let counted = site.bare().args(["--status", "--json", "--watch=20ms", "--count", "2", name]).status(status);
        checked("ensure-up", &counted.any_stdout().any_stderr().run().stdout).len()
    };
    assert_eq!((counted("api", 0), counted("none", 1)), (2, 0));
    send(watch.id(), Signal::SIGTERM);
    assert_eq!(watch.wait().expect("it ends").signal(), Some(Signal::SIGTERM as i32));
}

#[test]
fn a_table_tells_why_a_server_is_broken() {
    let site = Site::new();
    let options = ["--name", "ml", "--max-restarts", "0/60s"];
    site.keep(&options, &scripted("echo out of memory; exit 7")).status(5).run();
    let output = site.bare().args(["--status", "--table", "ml"]).status(1).any_stdout().run();
    let row = output.stdout.lines().nth(1).expect("a row");
    let words: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(words[..4], ["ml", &site.port.to_string(), "broken", "–"]);
    assert!(row.contains("ended with status 7; its log ends: out of memory"), "{row}");
}

/// Lists the servers on a terminal that is so wide; each line without the spaces at its end.
fn listed(site: &Site, columns: u16) -> Vec<String> {
    let mut tool = site.bare().args(["--status"]);
    let (status, screen) = Terminal::start(tool.command(), columns, 40).end();
    assert!(status.success(), "{screen}");
    let plain = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern").replace_all(&screen, "").into_owned();
    plain.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn a_narrow_terminal_loses_columns_and_neither_the_state_nor_the_reason() {
    let site = Site::new();
    site.keep(&["--name", "ml", "--max-restarts", "0/60s"], &scripted("echo out of memory; exit 7")).status(5).run();
    let reason = "1 crash within 1m; it ended with status 7; its log ends: out of memory; --restart tries again";
    let given_up = regex::Regex::new(r" given up at \d\d:\d\d: 1 crash").expect("a pattern");
    for (columns, header) in [
        (60, "NAME   PORT  STATE   HEALTHY  PID  URL"),
        (80, "NAME   PORT  STATE   HEALTHY  PID  UP  MEMORY  URL"),
        (200, "NAME   PORT  STATE   HEALTHY  PID  RESTARTS  UP  CPU  MEMORY  URL"),
    ] {
        let lines = listed(&site, columns);
        assert_eq!(lines[0], header, "{columns}");
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)), "{lines:#?}");
        assert!(lines[1].starts_with(&format!("ml    {}  broken  –          –  ", site.port)), "{lines:#?}");
        let told = lines[1..].join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(": ") && told.ends_with(reason), "{told}");
        // a person is told the time to the minute, where a record has it to the second
        assert!(given_up.is_match(&told), "{told}");
    }
    assert!(site.entries()[0].reason.as_ref().is_some_and(|reason| reason.contains("Z: 1 crash")));
}

#[test]
fn of_one_that_runs_and_is_not_healthy_the_row_says_where_and_why() {
    let site = Site::new();
    let flag = site.word("flag");
    fs::write(&flag, "").expect("the folder is ours");
    let options = ["--name", "api", "--health", "/", "--health", &format!("file:{flag}")];
    site.run(&options, &site.server(&[])).run();
    fs::remove_file(&flag).expect("it is ours");
    let told = listed(&site, 200)[1..].join(" ");
    let words: Vec<&str> = told.split_whitespace().collect();
    assert_eq!(words[..4], ["api", &site.port.to_string(), "running", "no"], "{told}");
    assert!(told.contains(&format!("http://localhost:{}: ", site.port)) && told.contains("no such file"), "{told}");
}

#[test]
fn a_server_that_runs_again_says_why_it_was_started_again() {
    let site = Site::new();
    site.kept(&["--name", "api"], &site.server(&[]));
    send(site.started()[0], Signal::SIGKILL);
    site.generation(2);
    let at = format!(
        r"tcp://localhost:{} └ last restart at \d\d:\d\d: it was ended by SIGKILL; its log ends: ready ",
        site.port
    );
    let note = regex::Regex::new(&at).expect("a pattern");
    assert!(site.entry().reason.is_some_and(|reason| reason.contains("Z: it was ended")), "to the second in a record");
    for columns in [60, 200] {
        let lines = listed(&site, columns);
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(columns)), "{lines:#?}");
        let told = lines[1..].join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(" running ") && note.is_match(&told), "{told}");
    }
}

#[test]
fn memory_is_measured_as_proc_tree_does_and_the_table_says_how() {
    let site = Site::new();
    // five processes that share their pages: the sum of their resident sets counts those five times
    site.run(&["--name", "api", "--ready-log", "ready"], &site.server(&["--forks", "4"])).run();
    let pid = site.started()[0];
    let shared = proc_tree::usage::memory::resident_of_tree(pid).expect("it runs").expect("it runs");
    let (memory, measure) = proc_tree::usage::memory::of_tree(pid).expect("it runs").expect("it runs");
    let bytes = memory.by(measure).expect("it is known");
    let entry = &site.entries()[0];
    let told = entry.memory_bytes.expect("it is measured");
    assert_eq!(entry.memory_measure.as_deref(), Some(measure.name()));
    // a share grows when other tests' fixtures end, which map the same program
    assert!(told.abs_diff(bytes) < bytes / 2 && told < shared / 2, "{told}, not {bytes} of {shared}");
    let table = site.bare().args(["--status"]).any_stdout().run().stdout;
    assert!(
        table.lines().next().is_some_and(|header| header.contains(&format!("MEMORY ({})", measure.name()))),
        "{table}"
    );
}

#[test]
fn where_nothing_is_known_that_is_said() {
    let site = Site::new();
    site.bare().args(["--status"]).stdout("").stderr("no server is known of\n").run();
    site.bare().args(["--status", "--json"]).stdout("").run();
}
