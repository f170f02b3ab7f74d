//! Memory, of trees whose use is known.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

use proc_tree::{
    process,
    usage::memory::{self, Measure},
};

use crate::{
    proc_tree, record, record_of,
    support::{Fixture, NOBODY, PATIENCE, eventually, installed, is_root_or_skipped, skipped, unshare},
};

const MIB: u64 = 1 << 20;

fn is_near(bytes: Option<u64>, mebibytes: u64) -> bool {
    bytes.is_some_and(|bytes| bytes.abs_diff(mebibytes * MIB) < mebibytes * MIB / 10)
}

#[test]
fn memory_that_forks_share_counts_once_as_pss_and_once_each_as_rss() {
    let tree = Fixture::start(["load", "touch", "300", "3"]);
    let record = record_of(&tree, &[]);
    assert_eq!((record.memory_measure.as_str(), record.memory_bytes), ("pss", record.pss_bytes));
    assert!(is_near(record.pss_bytes, 300), "{record:?}");
    assert!(is_near(record.rss_bytes, 1200), "{record:?}");
    assert!(record.uss_bytes.is_some_and(|unique| unique < 30 * MIB), "{record:?}");
    assert!(record.swap_bytes.is_some(), "{record:?}");
    assert_eq!(record.peak_memory_bytes, record.memory_bytes);
    assert!(record.memory_percent.is_some_and(|share| share > 0.0 && share < 100.0));
}

#[test]
fn the_measure_that_is_asked_for_is_the_one_that_is_told() {
    let tree = Fixture::start(["load", "touch", "30", "1"]);
    for (measure, mebibytes) in [("rss", 60), ("pss", 30)] {
        let record = record_of(&tree, &["--memory", measure]);
        assert_eq!(record.memory_measure, measure);
        assert!(record.memory_bytes.is_some_and(|bytes| bytes.abs_diff(mebibytes * MIB) < 15 * MIB), "{record:?}");
    }
    let unique = record_of(&tree, &["--memory", "uss"]);
    assert_eq!((unique.memory_measure.as_str(), unique.memory_bytes), ("uss", unique.uss_bytes));
    // resident sets alone were read
    assert_eq!(record_of(&tree, &["--memory", "rss"]).pss_bytes, None);
}

#[test]
fn what_another_users_process_keeps_to_itself_is_null_and_never_zero() {
    if !is_root_or_skipped() {
        return;
    }
    let tree = Fixture::start(["load", "touch", "30", "1"]);
    let output = proc_tree().args(["--json", "--members"]).arg(tree.pid().to_string()).user(NOBODY).any_stdout().run();
    let record = record::parse(&output.stdout).remove(0);
    assert_eq!((record.memory_measure.as_str(), record.memory_bytes), ("rss", record.rss_bytes));
    assert!(record.rss_bytes.is_some_and(|bytes| bytes > 30 * MIB));
    assert_eq!((record.pss_bytes, record.uss_bytes, record.read_bytes, record.written_bytes), (None, None, None, None));
    assert!(record.cpu_percent.is_some() && record.cpu_seconds.is_some(), "CPU clocks are open to all: {record:?}");
    assert_eq!(record.swap_bytes, Some(0));
    // a measure that was asked for does not give way to another one
    let pid = tree.pid().to_string();
    let output = proc_tree().args(["--json", "--memory", "pss", &pid]).user(NOBODY).any_stdout().any_stderr().run();
    let record = record::parse(&output.stdout).remove(0);
    assert_eq!((record.memory_measure.as_str(), record.memory_bytes), ("pss", None));
    let said = "proc-tree: cannot read the pss of every process of fixture\n\
                hint: other users' processes tell it to root only; --memory auto takes what can be read\n";
    assert_eq!(output.stderr, said);
    // where trees have different measures, each says its own
    let own = Fixture::of_nobody(["load", "touch", "30", "0"]);
    let output = proc_tree().args([&pid, &own.pid().to_string()]).user(NOBODY).any_stdout().run();
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(lines[0].contains(" MEMORY ") && !lines[0].contains("MEMORY ("), "{}", output.stdout);
    assert!(lines[1].contains(" MiB (rss) ") && lines[2].contains(" MiB (pss) "), "{}", output.stdout);
}

#[test]
fn one_foreign_member_makes_the_whole_sum_resident() {
    if !is_root_or_skipped() {
        return;
    }
    // root's process below nobody's: nobody may look at one of the two
    let mut command = Command::new("sh");
    let fixture = crate::support::fixture_path();
    let Some(setpriv) = installed("setpriv") else { return };
    command
        .args(["-c", "\"$1\" --reuid 65534 --regid 65534 --clear-groups sleep 60 & echo ready pid=$!; exec sleep 60"]);
    command.arg("sh").arg(setpriv).arg(fixture);
    let tree = Fixture::spawn(command);
    let child = tree.pids().into_iter().find(|&pid| pid != tree.pid()).expect("it said its child");
    eventually("another user's child", || process::uid(child).ok().flatten() == Some(NOBODY));
    let output = proc_tree().args(["--json", "--members"]).arg(tree.pid().to_string()).user(NOBODY).any_stdout().run();
    let record = record::parse(&output.stdout).remove(0);
    assert_eq!(
        (record.processes, record.memory_measure.as_str(), record.pss_bytes),
        (Some(2), "rss", None),
        "{record:?}"
    );
    let members = record.members.expect("members were asked for");
    let pss: Vec<bool> = members.iter().map(|member| member.pss_bytes.is_some()).collect();
    assert_eq!(pss, [false, true], "{members:?}");
}

#[test]
fn a_control_groups_limit_is_all_the_memory_there_is() {
    let Some(group) = Group::with_limit(256 * MIB) else { return };
    let tree = Fixture::start(["load", "touch", "64", "1"]);
    for pid in tree.pids() {
        group.take(pid);
    }
    let record = record_of(&tree, &["--memory", "rss", "--members"]);
    let share = |bytes: Option<u64>| bytes.expect("it is known") * 100 / (256 * MIB);
    let whole = |percent: Option<f64>| percent.map(|percent| format!("{}", percent.floor()));
    assert_eq!(whole(record.memory_percent), Some(share(record.rss_bytes).to_string()), "{record:?}");
    let members = record.members.expect("members were asked for");
    assert_eq!(whole(members[0].memory_percent), Some(share(members[0].rss_bytes).to_string()), "{members:?}");
    let pid = tree.pid().to_string();
    let output = proc_tree().args(["--max-memory", "20%", &pid]).status(1).any_stderr().run();
    let (start, end) = (format!("{pid} fixture: 6"), "% of the memory, is over the limit of 20%\n");
    assert!(output.stderr.starts_with(&start) && output.stderr.ends_with(end), "{}", output.stderr);
    proc_tree().args(["--max-memory", "90%", &pid]).any_stdout().run();
}

#[test]
fn the_limit_of_a_control_group_of_version_2_counts_and_max_is_none() {
    let Some(unshare) = unshare(&["--mount"]) else { return };
    // a mount namespace shows files in the place of the groups
    let script = "mount -t tmpfs groups /sys/fs/cgroup || exit 1; echo ready
        for limit in 268435456 max; do echo $limit >/sys/fs/cgroup/memory.max; \"$1\" --json --memory rss $$; done";
    let output = Command::new(unshare)
        .args(["--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_proc-tree")])
        .output()
        .expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(records) = said.strip_prefix("ready\n").map(record::parse) else {
        return skipped(&format!("no mount namespace: {}", String::from_utf8_lossy(&output.stderr)));
    };
    let limits = records.iter().map(|record| {
        let (bytes, percent) = (record.rss_bytes.expect("it is known"), record.memory_percent.expect("it is known"));
        #[expect(clippy::cast_precision_loss, reason = "to a percent")]
        let whole = bytes as f64 * 100.0 / percent / MIB as f64;
        whole
    });
    let limits: Vec<f64> = limits.collect();
    assert!((limits[0] - 256.0).abs() < 3.0 && limits[1] > 300.0, "{limits:?}");
}

#[test]
fn a_resident_set_that_the_kernel_has_not_counted_yet_is_read_from_the_page_tables() {
    let Some(unshare) = unshare(&["--mount"]) else { return };
    let tree = Fixture::start(["load", "touch", "30", "0"]);
    // a mount namespace shows another file in the place of the counters
    let script = "mount -t tmpfs texts /mnt && echo 9000 0 0 0 0 0 0 >/mnt/statm &&
        mount --bind /mnt/statm \"/proc/$2/statm\" || exit 1; echo ready
        for memory in auto rss; do \"$1\" --json --memory $memory \"$2\"; done";
    let output = Command::new(unshare)
        .args(["--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_proc-tree"), &tree.pid().to_string()])
        .output()
        .expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(records) = said.strip_prefix("ready\n").map(record::parse) else {
        return skipped(&format!("no mount namespace: {}", String::from_utf8_lossy(&output.stderr)));
    };
    assert_eq!(records.len(), 2, "{said}");
    for record in records {
        let large = [record.memory_bytes, record.rss_bytes, record.pss_bytes];
        assert!(large.iter().all(|bytes| bytes.is_some_and(|bytes| bytes > 30 * MIB)), "{record:?}");
    }
}

#[test]
fn where_the_kernel_sums_no_page_tables_up_memory_is_told_by_resident_sets() {
    let Some(unshare) = unshare(&["--mount"]) else { return };
    let tree = Fixture::start(["load", "touch", "30", "0"]);
    // a mount namespace shows a process without that file
    let script = "mount -t tmpfs texts /mnt && mkdir /mnt/proc && mount --bind /proc /mnt/proc &&
        mount -t tmpfs process \"/proc/$2\" || exit 1; echo ready
        for file in /mnt/proc/$2/*; do ln -s \"$file\" \"/proc/$2/\"; done; rm \"/proc/$2/smaps_rollup\"
        exec \"$1\" --json \"$2\"";
    let output = Command::new(unshare)
        .args(["--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_proc-tree"), &tree.pid().to_string()])
        .output()
        .expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let Some(records) = said.strip_prefix("ready\n").map(record::parse) else {
        return skipped(&format!("no mount namespace: {}", String::from_utf8_lossy(&output.stderr)));
    };
    let record = &records[0];
    assert_eq!((record.memory_measure.as_str(), record.memory_bytes), ("rss", record.rss_bytes), "{record:?}");
    assert_eq!((record.pss_bytes, record.uss_bytes, record.swap_bytes), (None, None, Some(0)), "{record:?}");
    assert!(record.rss_bytes > Some(30 * MIB), "{record:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_whose_main_thread_has_exited_has_its_memory_and_its_files_whoever_asks() {
    let is_leaderless =
        |tree: &Fixture| process::stat(tree.pid()).ok().flatten().is_some_and(|stat| stat.state.is_over());
    let of = |tree: &Fixture, output: &str| {
        let record = record::parse(output).remove(0);
        assert_eq!((record.pid, record.memory_measure.as_str()), (Some(tree.pid()), "pss"), "{record:?}");
        assert!(record.memory_bytes > Some(0) && record.rss_bytes >= record.memory_bytes, "{record:?}");
        // the three streams and the listener
        assert!(record.open_files > Some(3) && record.read_bytes.is_some(), "{record:?}");
    };
    let arguments = ["hold", "leaderless", "127.0.0.1:0"];
    let tree = Fixture::start(arguments);
    eventually("the main thread to exit", || is_leaderless(&tree));
    of(&tree, &proc_tree().args(["--json", &tree.pid().to_string()]).any_stdout().run().stdout);
    if is_root_or_skipped() {
        let tree = Fixture::of_nobody(arguments);
        eventually("the main thread to exit", || is_leaderless(&tree));
        of(&tree, &proc_tree().args(["--json", &tree.pid().to_string()]).user(NOBODY).any_stdout().run().stdout);
    }
}

#[test]
fn what_has_ended_and_was_not_waited_for_has_no_memory_and_no_open_files_whoever_asks() {
    if !is_root_or_skipped() {
        return;
    }
    let Some(setpriv) = installed("setpriv") else { return };
    let mut command = Command::new(setpriv);
    let script = "sleep 0.1 & echo ready pid=$!; exec sleep 60";
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", script]);
    let tree = Fixture::spawn(command);
    let child = tree.pids().into_iter().find(|&pid| pid != tree.pid()).expect("it said its child");
    eventually("a zombie", || process::stat(child).ok().flatten().is_some_and(|stat| stat.has_ended()));
    let pid = tree.pid().to_string();
    for measure in ["auto", "rss"] {
        let run = proc_tree().args(["--json", "--members", "--memory", measure, &pid]).user(NOBODY);
        let record = record::parse(&run.any_stdout().run().stdout).remove(0);
        let members = record.members.as_ref().expect("members were asked for");
        let ended = &members[1];
        assert_eq!((ended.pid, ended.memory_bytes, ended.swap_bytes), (child, Some(0), Some(0)), "{members:?}");
        assert_eq!((ended.open_files, record.open_files), (Some(0), members[0].open_files), "{members:?}");
        assert!(record.memory_bytes > Some(0) && record.open_files > Some(0), "{record:?}");
    }
}

/// A control group of a test, which is removed with it.
struct Group(PathBuf);

impl Group {
    /// Makes one below that of the tests, and says so where that cannot be done: by root mostly, or where one was delegated.
    fn with_limit(bytes: u64) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let group = own.lines().find_map(|line| {
            let version_1 = line.split_once(":memory:").map(|(_, group)| ("/sys/fs/cgroup/memory", group));
            version_1.or_else(|| Some(("/sys/fs/cgroup", line.strip_prefix("0::")?)))
        });
        let Some((root, path)) = group else {
            skipped("there are no control groups");
            return None;
        };
        let group =
            Path::new(root).join(path.trim_start_matches('/')).join(format!("proc-tree-{}", std::process::id()));
        let made = Self(group.clone());
        let limit = if root.ends_with("memory") { "memory.limit_in_bytes" } else { "memory.max" };
        let limited = fs::create_dir(&group).and_then(|()| fs::write(group.join(limit), bytes.to_string()));
        if let Err(error) = limited {
            skipped(&format!("no control group can be made: {error}"));
            return None;
        }
        Some(made)
    }

    fn take(&self, pid: u32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).expect("the group takes a process");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // what was in it has ended, and is taken out of it soon
        let deadline = Instant::now() + PATIENCE;
        while fs::remove_dir(&self.0).is_err_and(|error| error.kind() == ErrorKind::ResourceBusy)
            && Instant::now() < deadline
        {
            thread::yield_now();
        }
    }
}

#[test]
fn the_library_tells_a_trees_memory_in_one_call() {
    let tree = Fixture::start(["load", "touch", "50", "2"]);
    let (memory, measure) = memory::of_tree(tree.pid()).expect("the tree can be read").expect("it runs");
    assert_eq!(measure, Measure::Pss);
    assert!(memory.by(measure).is_some_and(|bytes| bytes.abs_diff(50 * MIB) < 15 * MIB), "{memory:?}");
    assert_eq!(memory::of_tree(2_147_483_646).expect("an answer"), None);
}

#[test]
fn resident_sums_agree_with_psutil() {
    let python = installed("python3");
    let script = "import psutil, sys\n\
                  root = psutil.Process(int(sys.argv[1]))\n\
                  print(sum(p.memory_info().rss for p in [root] + root.children(recursive=True)))";
    let tree = Fixture::start(["load", "touch", "20", "5"]);
    let Some(python) = python else { return };
    let output = Command::new(python).args(["-c", script]).arg(tree.pid().to_string()).output();
    let output = output.expect("python3 runs");
    if !output.status.success() {
        return skipped("psutil is not installed");
    }
    let theirs: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("psutil says a number");
    let ours = record_of(&tree, &[]).rss_bytes.expect("the resident set is known");
    assert!(ours.abs_diff(theirs) < MIB, "{ours} and {theirs}");
}
