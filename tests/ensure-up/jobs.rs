//! Jobs: services that are up once they have ended with status 0.

use std::{fs, sync::Barrier, thread, time::Duration};

use nix::sys::signal::Signal;

use crate::{
    site::{Line, Site, becomes, line, send},
    support::{Output, Tool, eventually, records},
};

/// Prepares a run of the site's job: this script, which first notes its PID.
fn job(site: &Site, options: &[&str], script: &str) -> Tool {
    let script = format!("echo $$ >> count; {script}");
    let tool = site.bare().args(["--name", "migrate", "--once"]).args(options);
    tool.args(["--", "/bin/sh", "-c", &script]).any_stdout().any_stderr()
}

#[test]
fn a_job_is_waited_for_and_each_call_runs_it_again() {
    let site = Site::new();
    let first = line(&job(&site, &["--json"], "sleep 0.3; touch done").run());
    assert!(site.path("done").exists(), "it is up when it has ended");
    assert_eq!((first.action.as_str(), first.pid, first.healthy), ("started", None, true));
    assert!(first.reason.expect("how it ended").starts_with("ended with status 0 at "), "no reason");
    let again = job(&site, &[], "sleep 0.3; touch done").run();
    assert!(again.stderr.starts_with("started migrate in ") && again.stderr.contains("(ended with status 0)"));
    assert_eq!(site.started().len(), 2);
    let status = records(&site.bare().args(["--status", "migrate", "--json"]).any_stdout().run().stdout);
    let reason = status[0]["reason"].as_str().expect("how it ended");
    assert!(status[0]["state"] == "stopped" && reason.starts_with("ended with status 0 at "), "{status:?}");
    site.bare().args(["--stop", "migrate"]).stderr("migrate: not running\n").run();
}

#[test]
fn a_job_that_left_a_child_behind_is_told_by_its_own_end_and_names_the_child() {
    let site = Site::new();
    job(&site, &[], "sleep 60 & echo $! > child").run();
    let child = fs::read_to_string(site.path("child")).expect("a child was started").trim().to_owned();
    becomes(child.parse().expect("a PID"), "sleep");
    let status = records(&site.bare().args(["--status", "--json"]).any_stdout().run().stdout).remove(0);
    assert_eq!((&status["state"], &status["healthy"]), (&"stopped".into(), &true.into()), "{status}");
    assert_eq!(status["command"][0], "/bin/sh", "{status}");
    let reason = status["reason"].as_str().expect("how it ended");
    assert!(reason.starts_with("ended with status 0 at "), "{reason}");
    assert!(reason.ends_with(&format!("; left behind: sleep ({child})")), "{reason}");
    let table = site.bare().arg("--status").any_stdout().run().stdout;
    let row: Vec<&str> = table.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(row[..4], ["migrate", "–", "stopped", "yes"], "the table says of a job what JSON does: {table}");
    site.bare().arg("--stop").stderr(format!("stopped migrate (pid {child})\n")).run();
}

#[test]
fn a_job_that_fails_is_not_up() {
    let site = Site::new();
    let said = job(&site, &[], "echo no table x; exit 7").status(3).run().stderr;
    assert!(said.contains("migrate ended with status 7 after "), "{said}");
    assert!(said.contains("  no table x") && !said.contains("before it"), "{said}");
    assert_eq!(line(&job(&site, &["--json"], "kill -9 $$").status(3).run()).action, "failed");
    site.bare().args(["--status", "migrate"]).status(1).any_stdout().run();
    assert!(job(&site, &["--timeout", "2s"], "sleep 60").status(124).run().stderr.contains("it has not ended yet"));
    assert!(site.has_no_server());
}

#[test]
fn a_job_or_a_worker_that_fails_is_not_what_it_left_in_another_session() {
    let site = Site::new();
    let failed = line(&job(&site, &["--json"], "setsid sleep 60 & sleep 0.2; exit 7").status(3).run());
    assert_eq!((failed.action.as_str(), failed.healthy), ("failed", false));
    let reason = failed.reason.expect("how it ended");
    assert!(reason.starts_with("migrate ended with status 7 after "), "{reason}");
    assert!(site.processes().is_empty(), "what it left is stopped");
    let script = "setsid sleep 60 & sleep 0.2; exit 1";
    site.bare().args(["--name", "worker", "--", "/bin/sh", "-c", script]).status(3).any_stderr().run();
    assert!(site.processes().is_empty());
    // where its starter is killed, the next call runs it again
    let script = "setsid sleep 60 & sleep 0.3; echo done >> runs";
    let mut starter = job(&site, &[], script).spawn();
    eventually("the job", || site.started().len() == 2);
    send(starter.id(), Signal::SIGKILL);
    starter.wait().expect("it was killed");
    eventually("its end", || site.path("runs").exists() && site.alive().is_empty());
    assert_eq!(line(&job(&site, &["--json"], script).run()).action, "started");
    assert_eq!(fs::read_to_string(site.path("runs")).expect("both have run").lines().count(), 2);
}

#[test]
fn callers_that_come_while_it_runs_join_the_run() {
    let site = Site::new();
    let start = Barrier::new(8);
    let one = || {
        start.wait();
        line(&job(&site, &["--json"], "sleep 1; echo done >> runs").run())
    };
    let lines: Vec<Line> = thread::scope(|scope| {
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        callers.into_iter().map(|caller| caller.join().expect("status 0")).collect()
    });
    assert_eq!(site.started().len(), 1, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.action == "joined" && line.healthy).count(), 7, "{lines:?}");
}

#[test]
fn a_run_that_fails_has_failed_for_all_who_waited_for_it() {
    let site = Site::new();
    let start = Barrier::new(4);
    let one = || {
        start.wait();
        job(&site, &["--json"], "sleep 1; echo no table x; exit 7").status(3).run()
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        callers.into_iter().map(|caller| caller.join().expect("status 3")).collect()
    });
    assert_eq!(site.started().len(), 1, "it ran once for all: {ended:?}");
    // how long it lived knows who ran it
    let knows = |output: &&Output| output.stderr.contains("migrate ended with status 7 after ");
    assert_eq!(ended.iter().filter(knows).count(), 1, "{ended:?}");
    let is_told = |said: &str| said.contains("migrate ended with status 7") && said.contains("  no table x");
    assert!(ended.iter().all(|output| is_told(&output.stderr)), "{ended:?}");
    job(&site, &[], "sleep 1; echo no table x; exit 7").status(3).run();
    assert_eq!(site.started().len(), 2, "a later call runs it again");
}

#[test]
fn a_job_whose_starter_is_killed_is_waited_for_and_run_again() {
    let site = Site::new();
    let mut starter = job(&site, &[], "sleep 0.5; echo done >> runs").spawn();
    eventually("the job", || site.started().len() == 1);
    send(starter.id(), Signal::SIGKILL);
    starter.wait().expect("it was killed");
    assert_eq!(line(&job(&site, &["--json"], "sleep 0.5; echo done >> runs").run()).action, "started");
    assert_eq!(fs::read_to_string(site.path("runs")).expect("both have run").lines().count(), 2);
}

#[test]
fn what_a_job_leaves_running_is_not_waited_for_and_stopped_with_it() {
    let site = Site::new();
    let output = job(&site, &[], "sleep 100 & echo $! > daemon").run();
    assert!(output.took < Duration::from_secs(10), "it ended long ago");
    let daemon: u32 = fs::read_to_string(site.path("daemon")).expect("its PID").trim().parse().expect("a number");
    assert!(crate::support::runs(daemon));
    site.bare().args(["--stop", "migrate"]).any_stderr().run();
    assert!(!crate::support::runs(daemon));
}

#[test]
fn a_command_runs_after_the_job_and_nothing_is_stopped() {
    let site = Site::new();
    let ran = job(&site, &["--then", "cat out"], "echo migrated > out").stdout("migrated\n").run();
    assert!(!ran.stderr.contains("while the command runs"), "{}", ran.stderr);
    let shown = job(&site, &["--foreground"], "echo migrating").run();
    assert!(shown.stderr.contains("migrating\n"), "{}", shown.stderr);
}
