//! The forms of the report.

use std::fs;

use crate::{
    proc_tree, record,
    support::{Fixture, Terminal, installed, skipped},
};

#[test]
fn the_table_has_a_row_per_tree_and_a_row_per_member_where_asked() {
    let tree = Fixture::start(["load", "wide", "1"]);
    let pid = tree.pid().to_string();
    let table = proc_tree().arg(&pid).any_stdout().run().stdout;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["PID", "NAME", "PROCS", "THREADS", "CPU", "MEMORY", "(pss)", "RSS", "UP"]);
    assert_eq!(lines[1][..4], [pid.as_str(), "fixture", "2", "2"]);
    assert_eq!(lines.len(), 2);
    let table = proc_tree().arg("--members").arg(&pid).any_stdout().run().stdout;
    let names: Vec<&str> = table.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(names, ["├", "└"], "{table}");
}

#[test]
fn numbers_stand_to_the_right_and_a_narrow_terminal_loses_columns() {
    let trees = [Fixture::start(["load", "wide", "1"]), Fixture::start(["load", "touch", "20", "0"])];
    let all = ["PID", "NAME", "PROCS", "THREADS", "CPU", "MEMORY", "(pss)", "RSS", "UP"];
    for (columns, lost) in [(48, &["PROCS", "THREADS"][..]), (60, &["THREADS"]), (200, &[])] {
        let mut tool = proc_tree();
        tool.command().args(["--color", "never"]).args(trees.iter().map(|tree| tree.pid().to_string()));
        let (_, screen) = Terminal::start(tool.command(), columns, 20).end();
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        let missing: Vec<&str> = all.into_iter().filter(|title| !lines[0].contains(title)).collect();
        assert_eq!(missing, lost, "{screen}");
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|&width| width == widths[0] && width <= columns.into()), "{widths:?}\n{screen}");
    }
}

#[test]
fn a_program_is_told_without_a_folder_that_says_nothing() {
    let Some(sleep) = installed("sleep").filter(|path| path.parent().is_some_and(|folder| folder.ends_with("bin")))
    else {
        return skipped("sleep is in no folder of programs");
    };
    let mut child = std::process::Command::new(sleep).arg("60").spawn().expect("sleep runs");
    let drawn = proc_tree().arg("--tree").arg(child.id().to_string()).any_stdout().run().stdout;
    child.kill().and_then(|()| child.wait()).expect("the child is ours");
    assert!(drawn.starts_with(&format!("{} sleep 60 ", child.id())), "{drawn}");
}

#[test]
fn csv_has_the_records_keys_as_columns_and_quotes_what_needs_it() {
    let tree = Fixture::start(["load", "wide", "1"]);
    let text = proc_tree().args(["--csv", "--members"]).arg(tree.pid().to_string()).any_stdout().run().stdout;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().expect("there is a header").iter().map(str::to_owned).collect();
    let json = proc_tree().args(["--json"]).arg(tree.pid().to_string()).any_stdout().run();
    let record = &json.records()[0];
    let mut keys: Vec<&String> =
        record.as_object().expect("an object").keys().filter(|key| *key != "members").collect();
    keys.retain(|key| !columns.contains(key));
    assert!(keys.is_empty(), "keys without a column: {keys:?}");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("every row is whole")).collect();
    assert_eq!(rows.len(), 3);
    let cell = |row: usize, name: &str| {
        let column = columns.iter().position(|column| column == name).expect("the column is there");
        rows[row].get(column).expect("every row has every column").to_owned()
    };
    assert_eq!(
        (cell(0, "pid"), cell(0, "roots"), cell(0, "processes")),
        (tree.pid().to_string(), tree.pid().to_string(), "2".into())
    );
    assert_eq!((cell(2, "ppid"), cell(2, "roots")), (tree.pid().to_string(), String::new()));
    assert_eq!(cell(0, "gpu_memory_bytes"), "", "what is unknown is empty");
}

#[test]
fn open_metrics_are_accepted_by_a_parser() {
    let (one, two) = (Fixture::start(["load", "wide", "1"]), Fixture::start(["load", "wide", "2"]));
    let output =
        proc_tree().arg("--openmetrics").args([one.pid(), two.pid()].map(|pid| pid.to_string())).any_stdout().run();
    let exposition = openmetrics_parser::openmetrics::parse_openmetrics(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", output.stdout));
    let processes = &exposition.families["proc_tree_processes"];
    assert_eq!(processes.iter_samples().count(), 2, "{}", output.stdout);
    assert!(exposition.families.contains_key("proc_tree_memory_bytes"));
    assert!(output.stdout.ends_with("# EOF\n"));
    let Some(promtool) = installed("promtool") else { return };
    let mut check = std::process::Command::new(promtool);
    check.args(["check", "metrics"]).stdin(std::process::Stdio::piped());
    let mut child = check.spawn().expect("promtool runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("stdin is a pipe"), output.stdout.as_bytes())
        .expect("it reads");
    assert!(child.wait().expect("a child can be waited for").success());
}

#[test]
fn members_are_sorted_as_asked() {
    let busy = Fixture::start(["load", "burn", "1"]);
    let child = busy.pids().into_iter().find(|&pid| pid != busy.pid()).expect("it has a child");
    let first = |key: &str| {
        let output =
            proc_tree().args(["--json", "--members", "--sort", key]).arg(busy.pid().to_string()).any_stdout().run();
        record::parse(&output.stdout).remove(0).members.expect("members were asked for")[0].pid
    };
    crate::support::eventually("the busy child first", || first("cpu") == child);
    assert_eq!(first("pid"), busy.pid().min(child));
}

#[test]
fn the_report_goes_to_a_file_where_asked() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("use.json");
    proc_tree().args(["--json", "--output"]).arg(&file).arg(tree.pid().to_string()).run();
    assert_eq!(record::parse(&fs::read_to_string(&file).expect("the file is there")).len(), 1);
    let message = "proc-tree: cannot write /nowhere/use.json: no such file or directory\n";
    proc_tree().args(["--output", "/nowhere/use.json"]).arg(tree.pid().to_string()).status(125).stderr(message).run();
}

#[test]
fn gpu_memory_is_null_with_a_hint_where_there_is_no_driver() {
    if std::path::Path::new("/dev/nvidiactl").exists() {
        return skipped("there is a GPU driver");
    }
    let tree = Fixture::start(["load", "wide", "0"]);
    let output = proc_tree().args(["--json", "--gpu"]).arg(tree.pid().to_string()).any_stdout().any_stderr().run();
    assert_eq!(record::parse(&output.stdout)[0].gpu_memory_bytes, None);
    assert!(output.stderr.contains("NVIDIA's driver is not installed\nhint: "), "{}", output.stderr);
    let table = proc_tree().arg("--gpu").arg(tree.pid().to_string()).any_stdout().any_stderr().run().stdout;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines[0][8], lines[1][9]), ("GPU", "?"), "{table}");
}

#[test]
fn a_closed_pipe_ends_it_quietly_and_a_full_disk_does_not() {
    let tree = Fixture::start(["load", "wide", "0"]);
    let mut tool = proc_tree();
    tool.command().args(["--watch=10ms", "--json"]).arg(tree.pid().to_string());
    let mut child = tool.spawn();
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("a child can be waited for").code(), Some(0));
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return skipped("no /dev/full") };
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_proc-tree")).arg(tree.pid().to_string()).stdout(full).output();
    let output = output.expect("proc-tree runs");
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "proc-tree: cannot write to standard output: no space left on device\n"
    );
}
