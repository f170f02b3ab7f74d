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
    let first = lines.next().and_then(Result::ok).expect("a record comes at once");
    assert_eq!(record::parse(&first).len(), 1);
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
    let first = lines.next().and_then(Result::ok).expect("a record comes at once");
    assert_eq!(record::parse(&first).len(), 1);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("the tool is ours");
    assert_eq!(child.wait().expect("a child can be waited for").signal(), Some(Signal::SIGTERM as i32));
    let svg = fs::read_to_string(chart).expect("the chart is there");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for label in ["CPU (%; 100 is one core)", "memory (", ", pss)", "time (", "fixture ("] {
        assert!(svg.contains(label), "{label} in {svg}");
    }
}

#[test]
fn a_chart_of_one_look_is_a_usage_error() {
    let output = proc_tree().args(["--plot", "x.svg", "1"]).status(2).any_stderr().run();
    assert!(output.stderr.starts_with("proc-tree: --plot draws over time") && output.stderr.contains("\nhint: "));
}

/// Starts a watch on a terminal; its first picture is there.
fn view(arguments: &[&str], fixture: &Fixture) -> Terminal {
    let mut tool = proc_tree();
    tool.command().args(["--watch=30ms", "--color=never"]).args(arguments).arg(fixture.pid().to_string());
    let terminal = Terminal::start(tool.command(), 120, 12);
    terminal.shows("\x1b[?7h");
    terminal
}

/// Returns the last picture, line by line, the first of them the view's own.
fn picture(terminal: &Terminal) -> Vec<String> {
    let screen = terminal.screen();
    let whole = screen.rsplit("\x1b[H").find(|picture| picture.contains("\x1b[?7h")).unwrap_or_default();
    whole.lines().map(|line| line.replace("\x1b[2K", "").replace('\r', "")).collect()
}

#[test]
fn keys_come_from_the_terminal_also_at_the_end_of_a_pipe() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let mut shell = std::process::Command::new("/bin/sh");
    let line = format!("echo {} | '{}' --watch=30ms", tree.pid(), env!("CARGO_BIN_EXE_proc-tree"));
    let mut terminal = Terminal::start(shell.args(["-c", &line]), 120, 12);
    terminal.shows("q ends");
    terminal.types("q");
    assert_eq!(terminal.end().0.code(), Some(0));
}

#[test]
fn q_ends_a_view_with_status_zero_and_the_terminal_is_as_before() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let mut terminal = view(&[], &tree);
    let head = &picture(&terminal)[0];
    assert!(
        head.as_bytes()[2] == b':' && head.ends_with("  every 30ms  sort by c CPU, m memory, p PID  q ends"),
        "{head:?}"
    );
    assert!(!terminal.is_as_before(), "keys come one by one");
    // an arrow is no key of ours
    terminal.types("\x1b[Ax");
    terminal.types("q");
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{screen}");
    let (_, left) = screen.split_once("\x1b[?25h\x1b[?1049l").expect("the terminal is given back");
    assert!(
        left.trim_start().starts_with("PID") && !left.contains("every 30ms"),
        "the last picture stays, without its head: {left:?}"
    );
}

#[test]
fn keys_sort_a_view() {
    let busy = Fixture::start(["load", "burn", "1"]);
    let child = busy.pids().into_iter().find(|&pid| pid != busy.pid()).expect("it has a child").to_string();
    let mut terminal = view(&["--members"], &busy);
    let first = |terminal: &Terminal| {
        let lines = picture(terminal);
        lines.get(3).and_then(|line| line.split_whitespace().next()).unwrap_or_default().to_owned()
    };
    for (key, order, top) in [
        ("c", "[c CPU]", &child),
        ("p", "[p PID]", &busy.pid().to_string()),
        ("m", "[m memory]", &busy.pid().to_string()),
    ] {
        terminal.types(key);
        crate::support::eventually(order, || picture(&terminal)[0].contains(order) && first(&terminal) == *top);
    }
    terminal.types("q");
    assert_eq!(terminal.end().0.code(), Some(0));
}

#[test]
fn keys_sort_a_drawing_among_siblings() {
    let trees = Fixture::start(["load", "wide", "3"]);
    let mut terminal = view(&["--tree"], &trees);
    let children = |terminal: &Terminal| -> Vec<u32> {
        let pid = |line: &str| line.trim_start_matches(['├', '└', '─', ' ']).split(' ').next()?.parse().ok();
        picture(terminal).iter().filter(|line| line.starts_with(['├', '└'])).filter_map(|line| pid(line)).collect()
    };
    for (key, order) in [("c", "[c CPU]"), ("m", "[m memory]"), ("p", "[p PID]")] {
        terminal.types(key);
        crate::support::eventually(order, || picture(&terminal)[0].contains(order) && children(&terminal).len() == 3);
    }
    crate::support::eventually("the children by their PIDs", || children(&terminal).is_sorted());
    terminal.types("q");
    assert_eq!(terminal.end().0.code(), Some(0));
}

#[test]
fn a_view_follows_the_size_of_its_window() {
    let tree = Fixture::start(["load", "wide", "5"]);
    let terminal = view(&["--members"], &tree);
    terminal.resize(40, 5);
    crate::support::eventually("a smaller picture", || {
        let lines = picture(&terminal);
        lines.len() == 5 && lines[4].starts_with("… 5 more") && !lines[1].contains("THREADS")
    });
}

#[test]
fn a_signal_gives_the_terminal_back_whatever_it_is() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGINT] {
        let tree = Fixture::start(["load", "wide", "0"]);
        let terminal = view(&[], &tree);
        kill(Pid::from_raw(terminal.pid().cast_signed()), signal).expect("the tool is ours");
        crate::support::eventually("the terminal as it was", || terminal.is_as_before());
        let (status, screen) = terminal.end();
        assert_eq!(status.signal(), Some(signal as i32), "{screen}");
        assert!(screen.contains("\x1b[?25h\x1b[?1049l"), "{screen:?}");
    }
}

/// Starts a shell that has jobs, without an editor of lines.
fn shell() -> Option<Terminal> {
    let mut shell = std::process::Command::new(crate::support::installed("dash")?);
    let terminal = Terminal::start(shell.arg("-i").env("PS1", "ready> ").env_remove("ENV"), 120, 12);
    terminal.shows("ready> ");
    Some(terminal)
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_draws_again() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let Some(mut terminal) = shell() else { return };
    terminal.types(&format!("{} --watch=30ms {}\n", env!("CARGO_BIN_EXE_proc-tree"), tree.pid()));
    terminal.shows("\x1b[?1049h");
    crate::support::eventually("keys one by one", || !terminal.is_as_before());
    for round in 1..=2 {
        terminal.types("\x1a");
        crate::support::eventually("the shell's own screen", || {
            terminal.screen().matches("\x1b[?1049l").count() == round
        });
        crate::support::eventually("the shell's own settings", || terminal.is_as_before());
        terminal.types(&format!("echo sum=$((40 + {round}))\n"));
        terminal.shows(&format!("sum={}\r\n", 40 + round));
        terminal.types("fg\n");
        crate::support::eventually("another picture", || terminal.screen().matches("\x1b[?1049h").count() == round + 1);
        crate::support::eventually("keys one by one", || !terminal.is_as_before());
    }
    terminal.types("q");
    crate::support::eventually("the shell's own settings", || terminal.is_as_before());
    terminal.types("echo status $?\nexit\n");
    let (_, screen) = terminal.end();
    assert!(screen.contains("status 0\r\n"), "{screen:?}");
}

#[test]
fn a_view_in_the_background_is_not_halted_and_draws_nothing_until_it_is_in_front() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let Some(mut terminal) = shell() else { return };
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let chart = file.path().display();
    terminal.types(&format!(
        "{} --watch=20ms --plot {chart} {} & sleep 0.3; jobs\n",
        env!("CARGO_BIN_EXE_proc-tree"),
        tree.pid()
    ));
    terminal.shows("Running");
    assert!(!terminal.screen().contains("\x1b[?1049h"), "{:?}", terminal.screen());
    assert!(terminal.is_as_before());
    terminal.types("fg\n");
    terminal.shows("\x1b[?1049h");
    terminal.types("q");
    crate::support::eventually("the shell's own screen", || terminal.screen().contains("\x1b[?1049l"));
    terminal.types("exit\n");
    terminal.end();
}

#[test]
fn a_dumb_terminal_gets_lines() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "TERM=dumb exec \"$@\"", "sh", env!("CARGO_BIN_EXE_proc-tree"), "--count=2", "--watch=20ms"]);
    let (status, screen) = Terminal::start(shell.arg(tree.pid().to_string()), 120, 12).end();
    assert_eq!((status.code(), screen.lines().count(), screen.contains('\x1b')), (Some(0), 2, false), "{screen:?}");
}
