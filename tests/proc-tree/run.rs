//! Running a command and telling what it used.

use std::{fs, os::unix::process::ExitStatusExt, process::Command, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

#[cfg(target_os = "linux")]
use crate::support::filter::{About, refuse};
use crate::{
    proc_tree, record,
    support::{PATIENCE, Terminal, eventually, fixture_path, installed, runs, skipped, unshare},
};

#[test]
fn the_summary_goes_to_stderr_and_the_status_is_the_commands() {
    let output = proc_tree()
        .args(["--", "sh", "-c", "echo out; sleep 0.1; exit 7"])
        .status(7)
        .stdout("out\n")
        .any_stderr()
        .run();
    assert!(
        output.stderr.starts_with("sh: ")
            && output.stderr.contains(" of CPU (")
            && output.stderr.contains("peak memory "),
        "{}",
        output.stderr
    );
    assert_eq!(output.stderr.lines().count(), 1);
}

#[test]
fn quiet_leaves_only_what_the_command_says_and_what_was_asked_for() {
    proc_tree().args(["-q", "--watch=10ms", "--", "sh", "-c", "sleep 0.1; exit 7"]).status(7).run();
    let output = proc_tree().args(["-q", "--json", "--", "true"]).any_stderr().run();
    assert_eq!(record::parse(&output.stderr).len(), 1);
}

#[test]
fn of_a_command_that_ends_before_it_is_sampled_the_words_are_known_and_no_figure_is_made_up() {
    for _ in 0..20 {
        let output = proc_tree().args(["-q", "--json", "--", "true"]).any_stderr().run();
        let record = record::parse(&output.stderr).remove(0);
        assert_eq!(record.command, Some(vec!["true".to_owned()]));
        let sampled = [record.processes, record.threads, record.rss_bytes].map(|one| one.is_some());
        assert!(sampled == [true; 3] || sampled == [false; 3], "{record:?}");
        // of one that ends in this moment who is not root may see no more
        assert!(record.open_files.is_none() || sampled[0], "{record:?}");
    }
}

#[test]
fn the_record_goes_to_a_file_and_has_the_peak_of_the_sum() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("use.json");
    // two at a time use 60 MiB each, and say when they do; one after the other they would peak at half of that
    let script = "mkfifo \"$2\"; \"$1\" load touch 60 0 >\"$2\" & one=$!; \"$1\" load touch 60 0 >\"$2\" & two=$!
        { read -r _; read -r _; } <\"$2\"; sleep 0.4; kill $one $two; wait; sleep 0.3";
    proc_tree()
        .args(["--json", "--output"])
        .arg(&file)
        .args(["--", "sh", "-c", script, "sh"])
        .arg(fixture_path())
        .arg(folder.path().join("said"))
        .run();
    let records = record::parse(&fs::read_to_string(&file).expect("the file is there"));
    assert_eq!(records.len(), 1);
    let peak = records[0].peak_memory_bytes.expect("it was sampled") >> 20;
    assert!((115..170).contains(&peak), "{peak} MiB");
    assert!(records[0].interval_ms >= 700, "{records:?}");
    assert_eq!(records[0].name, "sh");
}

#[test]
fn a_chart_says_what_was_run_for_how_long_and_its_peaks() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let chart = folder.path().join("use.svg");
    let script = format!("\"$1\" load touch 30 0 & child=$!; sleep 0.4; kill $child; : '<&> {}'", "日本 ".repeat(60));
    let mut tool = proc_tree().arg("--plot").arg(&chart).args(["--", "sh", "-c", &script, "sh"]);
    let output = tool.command().arg(fixture_path()).output().expect("proc-tree runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let svg = fs::read_to_string(&chart).expect("the chart is there");
    let (_, peaks) = said.trim_end().split_once("), ").expect("CPU, then the peaks");
    assert!(svg.contains(peaks), "{peaks} in {svg}");
    assert!(svg.contains("load touch 30") && svg.contains('…') && !svg.contains("(KiB, )"), "{svg}");
}

#[test]
fn cpu_is_that_of_the_whole_run_with_all_that_was_waited_for() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let script = "timeout 0.3 sh -c 'while :; do :; done'; timeout 0.3 sh -c 'while :; do :; done'; true";
    proc_tree().args(["--json", "--output"]).arg(file.path()).args(["--", "sh", "-c", script]).run();
    let record = record::parse(&fs::read_to_string(file.path()).expect("the file is there")).remove(0);
    let seconds = record.cpu_seconds.expect("CPU is known");
    assert!(seconds > 0.05 && seconds < 1.0, "{record:?}");
    let mean = seconds / Duration::from_millis(record.interval_ms).as_secs_f64() * 100.0;
    assert!(record.cpu_percent.is_some_and(|percent| (percent - mean).abs() < 1.0), "{record:?}");
    assert!(record.peak_cpu_percent >= record.cpu_percent, "{record:?}");
}

#[test]
fn cpu_of_what_nobody_waited_for_counts_whether_it_lives_on_or_has_ended() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, script) in [
        ("it outlives the command", "sh -c \"$1; exec sleep 2\" sh \"$2\" & read -r _ <\"$2\""),
        ("it is an orphan by then", "(sh -c \"$1; exec sleep 0.5\" sh \"$2\" & sleep 0.3); read -r _ <\"$2\"; sleep 1"),
        ("its parent does not know of it", "sh -c \"$1\" sh \"$2\" & read -r _ <\"$2\"; exec sleep 0.5"),
    ] {
        let (file, pipe) = (folder.path().join(name), folder.path().join("pipe"));
        // some tenths of a second of CPU, however long they take, and then a word
        let works = "n=0; while [ $n -lt 300000 ]; do n=$((n + 1)); done; echo >$1";
        let script = format!("rm -f \"$2\"; mkfifo \"$2\"; {script}");
        let tool = proc_tree().args(["--json", "--output"]).arg(&file).args(["--", "sh", "-c", &script, "sh", works]);
        tool.arg(&pipe).run();
        let record = record::parse(&fs::read_to_string(&file).expect("the file is there")).remove(0);
        assert!(record.cpu_seconds.is_some_and(|seconds| seconds > 0.05), "{name}: {record:?}");
        assert!(record.cpu_percent.is_some_and(|percent| percent < 105.0), "it counts once: {name}: {record:?}");
    }
}

#[test]
fn a_command_that_is_not_there_is_127_and_one_that_may_not_run_126() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let script = folder.path().join("script");
    // put there by another process: what this one has open for writing nobody can execute, and a fork of another test may have
    // it open still
    let Some(install) = installed("install") else { return };
    let text = folder.path().join("text");
    fs::write(&text, "#!/nowhere/python\n").expect("the folder is ours");
    let installs = Command::new(install).args(["-m", "755"]).arg(&text).arg(&script).status();
    assert!(installs.expect("install runs").success());
    let script = script.to_str().expect("UTF-8");
    for (program, status, reason) in [
        ("/nowhere/tool", 127, "command not found: /nowhere/tool"),
        ("no-such-program", 127, "command not found: no-such-program"),
        ("/etc/passwd", 126, "cannot execute /etc/passwd: permission denied"),
        (script, 126, &format!("cannot execute {script}: the program that its first line names is not there")),
    ] {
        proc_tree().args(["--", program]).status(status).stderr(format!("proc-tree: {reason}\n")).run();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_that_cannot_be_watched_is_ended() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let told = folder.path().join("pid");
    let script = "echo $$ > \"$0\"; exec sleep 60";
    let mut tool = proc_tree().args(["--", "sh", "-c", script]).arg(&told).status(125).any_stderr();
    refuse(tool.command(), &[libc::SYS_pidfd_open], About::All, libc::EMFILE);
    let output = tool.run();
    assert!(output.stderr.ends_with(": too many open files\n"), "{}", output.stderr);
    // it may have been ended before it wrote anything
    let pid = fs::read_to_string(told).ok().and_then(|pid| pid.trim().parse().ok());
    assert!(pid.is_none_or(|pid| !runs(pid)), "{pid:?}");
}

#[test]
fn it_dies_by_the_commands_signal() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGSEGV] {
        let mut tool = proc_tree().args(["--", "sh", "-c", &format!("kill -{} $$", signal as i32)]);
        assert_eq!(tool.finish().signal(), Some(signal as i32));
    }
}

#[test]
fn a_signal_is_passed_on_and_the_command_decides() {
    let script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done";
    let mut tool = proc_tree();
    tool.command().args(["--quiet", "--", "sh", "-c", script]);
    let mut child = tool.spawn();
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    std::io::BufRead::read_line(&mut stdout, &mut String::new()).expect("the command is ready");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("the tool is ours");
    assert_eq!(child.wait().expect("a child can be waited for").code(), Some(9));
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let script = "trap 'echo interrupted' INT; echo ready; while :; do sleep 0.02; done";
    let mut tool = proc_tree();
    tool.command().args(["--", "sh", "-c", script]);
    let mut terminal = Terminal::start(tool.command(), 100, 20);
    terminal.shows("ready");
    terminal.types("\x03");
    terminal.shows("interrupted");
    kill(Pid::from_raw(terminal.pid().cast_signed()), Signal::SIGTERM).expect("the tool is ours");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32), "{screen}");
    assert_eq!(screen.matches("interrupted").count(), 1, "{screen}");
}

#[test]
fn rounds_are_reported_while_the_command_runs_where_asked() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    proc_tree()
        .args(["--json", "--watch=50ms", "--interval", "20ms", "--output"])
        .arg(file.path())
        .args(["--", "sleep", "0.5"])
        .run();
    let records = record::parse(&fs::read_to_string(file.path()).expect("the file is there"));
    assert!(records.len() > 2, "{records:?}");
    let last = records.last().expect("there are records");
    assert!(last.interval_ms >= 500 && records[0].interval_ms < 500, "{records:?}");
}

#[test]
fn stdin_is_the_commands_own() {
    proc_tree().args(["--", "cat"]).stdin("hello\n").stdout("hello\n").any_stderr().run();
}

#[test]
fn a_command_and_pids_do_not_go_together() {
    let output = proc_tree().args(["1", "--", "true"]).status(2).any_stderr().run();
    assert!(output.stderr.starts_with("proc-tree: "), "{}", output.stderr);
}

#[test]
fn a_report_that_cannot_be_written_keeps_no_signal_from_the_command() {
    if !std::path::Path::new("/dev/full").exists() {
        return skipped("no /dev/full");
    }
    let mut tool = proc_tree();
    tool.command().args(["--watch=10ms", "--interval", "10ms", "--output", "/dev/full", "--"]).args(["sleep", "30"]);
    let mut child = tool.spawn();
    let mut command = None;
    eventually("the command", || {
        command = proc_tree::tree::members(child.id()).ok().and_then(|members| Some(members.get(1)?.pid));
        command.is_some()
    });
    // by now the first reports have failed
    std::thread::sleep(Duration::from_millis(200));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("the tool is ours");
    let status = ends(&mut child);
    assert_eq!(status.code(), Some(125), "{status}");
    let said = std::io::read_to_string(child.stderr.take().expect("stderr is a pipe")).expect("it is text");
    assert_eq!(said, "proc-tree: cannot write /dev/full: no space left on device\n");
    assert!(!runs(command.expect("it was seen")), "the command lives on");
}

#[test]
fn the_first_process_of_a_container_passes_on_what_comes_from_outside() {
    let isolated = ["-pf", "--mount-proc", "--kill-child"];
    let Some(unshare) = unshare(&isolated) else { return };
    let mut unshare = Command::new(unshare);
    unshare.args(isolated).args([env!("CARGO_BIN_EXE_proc-tree"), "--quiet", "--", "sleep", "30"]);
    let mut child = unshare.stderr(std::process::Stdio::null()).spawn().expect("unshare runs");
    let mut tool = None;
    eventually("the command within the container", || {
        tool = proc_tree::tree::members(child.id()).ok().and_then(|members| Some(members.get(2)?.parent));
        tool.is_some()
    });
    kill(Pid::from_raw(tool.expect("it was seen").cast_signed()), Signal::SIGTERM).expect("the container is ours");
    let status = ends(&mut child);
    // nothing ends the first process of a namespace from within: it says what a shell would
    assert_eq!(status.code(), Some(128 + Signal::SIGTERM as i32), "{status}");
}

fn ends(child: &mut std::process::Child) -> std::process::ExitStatus {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => return status,
            None if std::time::Instant::now() > deadline => {
                child.kill().and_then(|()| child.wait()).expect("the child is ours");
                panic!("it did not end by SIGTERM");
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
