//! Limits: the honest no, and by how much.

use crate::{
    proc_tree, record,
    support::{Fixture, eventually, runs},
};

#[test]
fn memory_over_the_limit_is_status_one_and_one_line() {
    let tree = Fixture::start(["load", "touch", "64", "1"]);
    let pid = tree.pid().to_string();
    let output = proc_tree().args(["--max-memory", "10M", &pid]).status(1).any_stderr().run();
    let start = format!("{pid} fixture: 6");
    assert!(
        output.stderr.starts_with(&start) && output.stderr.ends_with(" MiB (pss) is over the limit of 10.0 MiB\n"),
        "{}",
        output.stderr
    );
    let output = proc_tree().args(["--json", "--max-memory", "10M", &pid]).status(1).any_stdout().any_stderr().run();
    assert_eq!(record::parse(&output.stdout).len(), 1);
    proc_tree().args(["--quiet", "--max-memory", "10M", &pid]).status(1).run();
    let output = proc_tree().args(["--color=always", "--max-memory", "10M", &pid]).status(1).any_stderr().run();
    assert!(output.stderr.starts_with(&format!("\x1b[36m{pid}\x1b[0m fixture: ")), "{:?}", output.stderr);
    proc_tree().args(["--max-memory", "1G", "--max-cpu", "1000", &pid]).any_stdout().run();
}

#[test]
fn the_total_counts_where_no_tree_is_over_alone() {
    let trees = [Fixture::start(["load", "touch", "40", "0"]), Fixture::start(["load", "touch", "40", "0"])];
    let pids = [trees[0].pid().to_string(), trees[1].pid().to_string()];
    let output = proc_tree().args(["--max-memory", "60M"]).args(pids).status(1).any_stderr().run();
    assert!(output.stderr.starts_with("total: 8"), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 1);
}

#[test]
fn cpu_over_the_limit_ends_a_watch() {
    let busy = Fixture::start(["load", "burn", "1"]);
    let pid = busy.pid().to_string();
    let output = proc_tree()
        .args(["--json", "--watch=20ms", "--max-cpu", "0.5%", &pid])
        .status(1)
        .any_stdout()
        .any_stderr()
        .run();
    assert!(output.stderr.ends_with("% CPU is over the limit of 0.5%\n"), "{}", output.stderr);
    assert!(!record::parse(&output.stdout).is_empty());
}

#[test]
fn a_command_over_its_limit_is_stopped_with_its_tree() {
    let fixture = crate::support::fixture_path();
    let output = proc_tree()
        .args(["--max-memory", "10M", "--"])
        .arg(fixture)
        .args(["load", "touch", "40", "2"])
        .status(1)
        .any_stdout()
        .any_stderr()
        .run();
    assert!(output.stderr.contains("is over the limit of 10.0 MiB"), "{}", output.stderr);
    let pids = output.stdout.split_whitespace().filter_map(|word| word.strip_prefix("pid=")?.parse::<u32>().ok());
    for pid in pids {
        eventually("the end of the whole tree", || !runs(pid));
    }
}

#[test]
fn a_bad_limit_is_status_two_and_quoted() {
    for bad in ["lots", "0", "0%", "101%", "80 %"] {
        let expected = "expected a size such as 512M, 20GiB or 20GB, or a share of the memory such as 80%";
        let message = format!("proc-tree: invalid limit {bad:?}: {expected}\n");
        proc_tree().args(["--max-memory", bad, "1"]).status(2).stderr(message).run();
    }
    let message = "proc-tree: invalid percentage \"0\": expected a number above 0 such as 150 (one and a half cores)\n";
    proc_tree().args(["--max-cpu", "0", "1"]).status(2).stderr(message).run();
    let message = "proc-tree: invalid duration \"0\": expected a number of seconds, or a number with a unit such as 500ms, 5s or 1m30s\n";
    proc_tree().args(["--interval", "0", "1"]).status(2).stderr(message).run();
}

#[test]
fn an_interval_that_never_comes_or_always_is_status_two() {
    for arguments in [["--watch=9999999999999999999", "1"], ["--watch=0", "1"]] {
        let output = proc_tree().args(arguments).status(2).any_stderr().run();
        let value = arguments[0].trim_start_matches("--watch=");
        assert!(output.stderr.contains(&format!("{value:?}: expected ")), "{}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    }
    for interval in ["9999999999999999999", "0"] {
        proc_tree().args(["--interval", interval, "1"]).status(2).any_stderr().run();
        proc_tree().args(["--interval", interval, "--", "true"]).status(2).any_stderr().run();
    }
}
