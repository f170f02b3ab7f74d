//! Watching: redrawn on a terminal, streamed elsewhere, with peaks.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    proc_tree, record,
    support::{Fixture, Terminal},
};

#[test]
fn a_stream_has_one_record_per_round_and_peaks_of_the_sum() {
    let busy = Fixture::start(["load", "burn", "1"]);
    let output =
        proc_tree().args(["--json", "--watch=30ms", "--count", "4"]).arg(busy.pid().to_string()).any_stdout().run();
    let records = record::parse(&output.stdout);
    assert_eq!(records.len(), 4);
    for (index, record) in records.iter().enumerate() {
        let highest = records[..=index].iter().filter_map(|one| one.cpu_percent).fold(0.0, f64::max);
        assert_eq!(record.peak_cpu_percent, Some(highest), "{records:?}");
        assert_eq!(record.peak_memory_bytes, records[..=index].iter().filter_map(|one| one.memory_bytes).max());
    }
    assert!(records[1..].iter().all(|record| (29..2000).contains(&record.interval_ms)), "{records:?}");
}

#[test]
fn without_a_terminal_a_watch_is_a_line_per_round() {
    let tree = Fixture::start(["load", "wide", "1"]);
    let output = proc_tree().args(["--watch=20ms", "--count", "3"]).arg(tree.pid().to_string()).any_stdout().run();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", output.stdout);
    let expected = format!("Z  {} fixture  2 processes  ", tree.pid());
    assert!(lines.iter().all(|line| line.contains(&expected) && line.contains("(pss)  peak ")), "{}", output.stdout);
}

#[test]
fn csv_and_drawings_stream_too() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let csv = proc_tree()
        .args(["--csv", "--watch=20ms", "--count", "3"])
        .arg(tree.pid().to_string())
        .any_stdout()
        .run()
        .stdout;
    assert_eq!(csv.lines().count(), 4, "one header: {csv}");
    let drawn = proc_tree()
        .args(["--tree", "--watch=20ms", "--count", "3"])
        .arg(tree.pid().to_string())
        .any_stdout()
        .run()
        .stdout;
    assert_eq!(drawn.lines().count(), 3);
}

#[test]
fn a_watch_ends_when_the_tree_does() {
    let mut tree = Fixture::start(["load", "wide", "0"]);
    let mut tool = proc_tree();
    tool.command().args(["--json", "--watch=20ms"]).arg(tree.pid().to_string());
    let mut child = tool.spawn();
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
    assert!(lines.next().is_some());
    tree.child().kill().expect("the fixture is ours");
    tree.wait();
    let rest = lines.count();
    assert!(rest < 1000);
    let said = std::io::read_to_string(child.stderr.take().expect("stderr is a pipe")).expect("it is text");
    assert_eq!(said, format!("proc-tree: process {} (fixture) has ended\n", tree.pid()));
    assert_eq!(child.wait().expect("a child can be waited for").code(), Some(0));
}

#[test]
fn on_a_terminal_the_table_is_redrawn_and_ctrl_c_leaves_a_summary_of_peaks() {
    let busy = Fixture::start(["load", "burn", "1"]);
    let mut tool = proc_tree();
    tool.command().args(["--watch=30ms"]).arg(busy.pid().to_string());
    let mut terminal = Terminal::start(tool.command(), 120, 10);
    terminal.shows("PEAK MEMORY");
    let home = "\x1b[H";
    crate::support::eventually("a redraw", || terminal.screen().matches(home).count() > 2);
    terminal.types("\x03");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{screen}");
    let (pictures, left) = screen.split_once("\x1b[?1049l").expect("the terminal is given back");
    assert!(pictures.starts_with("\x1b[?1049h"), "{screen:?}");
    assert!(!pictures.contains("\x1b[2J"), "nothing is blanked: {screen:?}");
    assert!(left.contains("PEAK CPU") && left.contains(&busy.pid().to_string()), "{left:?}");
}

#[test]
fn sigterm_ends_a_watch_by_sigterm_and_the_chart_is_drawn() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let chart = folder.path().join("use.svg");
    let mut tool = proc_tree();
    tool.command().args(["--json", "--watch=20ms", "--plot"]).arg(&chart).arg(tree.pid().to_string());
    let mut child = tool.spawn();
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
    assert!(lines.next().is_some());
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("the tool is ours");
    assert_eq!(child.wait().expect("a child can be waited for").signal(), Some(Signal::SIGTERM as i32));
    let svg = fs::read_to_string(chart).expect("the chart is there");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for label in ["CPU (%; 100 is one core)", "memory (", ", pss)", "time (s)", "fixture ("] {
        assert!(svg.contains(label), "{label} in {svg}");
    }
}

#[test]
fn a_chart_of_one_look_is_a_usage_error() {
    let output = proc_tree().args(["--plot", "x.svg", "1"]).status(2).any_stderr().run();
    assert!(output.stderr.starts_with("proc-tree: --plot draws over time") && output.stderr.contains("\nhint: "));
}
