//! Trees of every shape: wide, deep, threaded, orphaned, nested, vanishing.

use std::process::Command;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proc_tree::{Facts, tree};

use crate::{
    proc_tree, record, record_of,
    support::{Fixture, eventually, installed, unshare},
};

#[test]
fn forked_children_count_as_members_of_their_tree() {
    let server = Fixture::start(["serve", "--forks", "3", "127.0.0.1:0"]);
    let record = record_of(&server, &["--members"]);
    assert_eq!(
        (record.pid, record.roots, record.processes, record.threads),
        (Some(server.pid()), vec![server.pid()], Some(4), Some(4))
    );
    let mut members: Vec<u32> = record.members.expect("members were asked for").iter().map(|one| one.pid).collect();
    members.sort_unstable();
    assert_eq!(members, server.pids());
    proc_tree()
        .arg("--pids")
        .arg(server.pid().to_string())
        .stdout(server.pids().iter().fold(String::new(), |lines, pid| lines + &pid.to_string() + "\n"))
        .run();
}

#[test]
fn a_tree_of_five_hundred_generations_is_read_and_drawn() {
    let chain = Fixture::start(["load", "chain", "500"]);
    assert_eq!(record_of(&chain, &[]).processes, Some(501));
    let output = proc_tree().arg("--tree").arg(chain.pid().to_string()).any_stdout().run();
    assert_eq!(output.stdout.lines().count(), 501);
    let last = output.stdout.lines().last().expect("there are lines");
    assert!(last.starts_with(&format!("{}└─ ", "   ".repeat(499))), "{last}");
}

#[test]
fn a_wide_tree_is_read_whole() {
    let wide = Fixture::start(["load", "wide", "1000"]);
    assert_eq!(record_of(&wide, &[]).processes, Some(1001));
}

#[test]
fn a_child_of_a_thread_is_a_member_and_threads_are_counted() {
    let threads = Fixture::start(["load", "threads", "200"]);
    let record = record_of(&threads, &[]);
    assert_eq!((record.processes, record.threads), (Some(2), Some(202)));
}

#[test]
fn a_double_forked_orphan_counts_with_session_only() {
    let leader = Fixture::start(["load", "orphan"]);
    let orphan = leader.pids().into_iter().find(|&pid| pid != leader.pid()).expect("it said its orphan");
    assert_eq!(record_of(&leader, &[]).processes, Some(1));
    // on a loaded machine a busy process may wait for the whole of one interval
    eventually("the orphan's CPU", || {
        let record = record_of(&leader, &["--session", "--members"]);
        let members: Vec<u32> = record.members.iter().flatten().map(|member| member.pid).collect();
        assert_eq!(members, [leader.pid(), orphan]);
        record.cpu_percent.is_some_and(|cpu| cpu > 2.0)
    });
}

#[test]
fn a_neighbour_whose_parent_is_the_first_process_of_a_container_is_no_orphan() {
    let isolated = ["-pf", "--mount-proc", "--kill-child"];
    let (Some(unshare), Some(setsid)) = (unshare(&isolated), installed("setsid")) else { return };
    let script = "sleep 60 & one=$!; sleep 60 & \"$1\" --json --session $one";
    let mut command = Command::new(unshare);
    command.args(isolated).arg(setsid).args(["sh", "-c", script, "sh", env!("CARGO_BIN_EXE_proc-tree")]);
    let output = command.output().expect("unshare runs");
    let records = record::parse(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(records[0].processes, Some(1), "{records:?}");
}

#[test]
fn the_session_of_a_root_that_does_not_lead_it_is_not_taken_whole() {
    let leader = Fixture::start(["load", "session"]);
    let processes = |pid: u32| {
        let output = proc_tree().args(["--json", "--session"]).arg(pid.to_string()).any_stdout().run();
        record::parse(&output.stdout)[0].processes
    };
    let neighbours: Vec<u32> = leader.said.iter().filter_map(|word| word.strip_prefix("pid=")?.parse().ok()).collect();
    eventually("the whole session", || processes(leader.pid()) == Some(4));
    assert_eq!([processes(neighbours[0]), processes(neighbours[1])], [Some(1), Some(2)]);
}

#[test]
fn nested_and_repeated_roots_are_folded_and_nothing_counts_twice() {
    let tree = Fixture::start(["load", "wide", "2"]);
    let pids = tree.pids();
    let child = *pids.iter().find(|&&pid| pid != tree.pid()).expect("it has children");
    let output = proc_tree()
        .arg("--json")
        .args([child, tree.pid(), child, tree.pid()].map(|pid| pid.to_string()))
        .any_stdout()
        .run();
    let records = record::parse(&output.stdout);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((records[0].pid, records[0].processes), (Some(tree.pid()), Some(3)));
    assert_eq!(records[0].roots, [tree.pid(), child]);
}

#[test]
fn several_trees_end_with_their_total() {
    let (first, second) = (Fixture::start(["load", "wide", "1"]), Fixture::start(["load", "wide", "2"]));
    let pids = [first.pid(), second.pid()];
    let output = proc_tree().arg("--json").args(pids.map(|pid| pid.to_string())).any_stdout().run();
    let records = record::parse(&output.stdout);
    let total = &records[2];
    assert_eq!((total.pid, total.start_id, total.name.as_str()), (None, None, "total"));
    assert_eq!((total.state, total.started_at.as_deref(), total.uptime_seconds), (None, None, None));
    assert_eq!((total.processes, total.roots.as_slice()), (Some(5), pids.as_slice()));
    let sum = |key: fn(&record::Record) -> Option<u64>| records[..2].iter().filter_map(key).sum::<u64>();
    assert_eq!(total.rss_bytes, Some(sum(|one| one.rss_bytes)));
    assert_eq!(total.memory_bytes, Some(sum(|one| one.memory_bytes)));
    let table = proc_tree().args(pids.map(|pid| pid.to_string())).any_stdout().run().stdout;
    assert!(
        table.lines().last().is_some_and(|line| line.trim_start().starts_with("–") && line.contains("total")),
        "{table}"
    );
}

#[test]
fn a_record_says_in_which_state_its_root_is_and_since_when_it_runs() {
    let tree = Fixture::start(["load", "wide", "1"]);
    let record = record_of(&tree, &["--members"]);
    let seconds = Facts::of(tree.pid()).expect("it can be read").expect("it runs").uptime().as_secs_f64();
    let is_close = |uptime: f64| (seconds - uptime).abs() < 1.0;
    assert!(record.uptime_seconds.is_some_and(is_close), "{seconds}: {record:?}");
    let moment = |text: &str| humantime::parse_rfc3339(text).expect("RFC 3339").elapsed().expect("it is over");
    assert!(is_close(moment(record.started_at.as_deref().expect("it started")).as_secs_f64()), "{record:?}");
    let members = record.members.expect("members were asked for");
    assert_eq!((record.state, members[0].state), (Some('S'), 'S'));
    assert_eq!(record.started_at.as_deref(), Some(members[0].started_at.as_str()));
    assert!(members.iter().all(|member| is_close(member.uptime_seconds)), "{members:?}");
    kill(Pid::from_raw(tree.pid().cast_signed()), Signal::SIGSTOP).expect("the fixture is ours");
    eventually("the halt", || record_of(&tree, &[]).state == Some('T'));
}

#[test]
fn the_drawing_has_lines_and_the_roots_line_sums_all() {
    let tree = Fixture::start(["load", "leave"]);
    let cpu = |line: &str| -> f64 {
        let shown = line.split_whitespace().find_map(|word| word.strip_suffix('%'));
        shown.and_then(|number| number.parse().ok()).expect("a share of CPU")
    };
    // on a loaded machine a busy process may wait for the whole of one interval
    eventually("the CPU of the busy grandchild", || {
        let drawn = proc_tree().arg("--tree").arg(tree.pid().to_string()).any_stdout().run().stdout;
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 3, "{drawn}");
        assert!(lines[0].starts_with(&format!("{} ", tree.pid())), "{drawn}");
        assert!(lines[1].starts_with("└─ ") && lines[2].starts_with("   └─ "), "{drawn}");
        // the grandchild alone is busy, and the root's line holds what it uses
        assert!((cpu(lines[0]) - cpu(lines[2])).abs() < 1.0, "{drawn}");
        cpu(lines[2]) > 2.0
    });
}

#[test]
fn a_tree_that_changes_while_it_is_read_is_no_error() {
    let churn = Fixture::start(["load", "churn"]);
    for _ in 0..20 {
        let record = record_of(&churn, &["--interval", "5ms"]);
        assert!(record.processes.is_some_and(|count| (1..=2).contains(&count)), "{record:?}");
    }
}

#[test]
fn proc_tree_does_not_count_itself() {
    let script = "\"$1\" --json $$; true";
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_proc-tree")]).output().expect("sh runs");
    let record = record::parse(&String::from_utf8_lossy(&output.stdout)).remove(0);
    assert_eq!((record.name.as_str(), record.processes), ("sh", Some(1)), "{record:?}");
}

#[test]
fn members_of_a_tree_are_listed_each_after_its_parent() {
    let chain = Fixture::start(["load", "chain", "5"]);
    let members = tree::members(chain.pid()).expect("the tree can be read");
    assert_eq!(members.len(), 6);
    assert!(members.windows(2).all(|pair| pair[1].parent == pair[0].pid), "{members:?}");
}
