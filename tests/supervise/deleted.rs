//! The state folder is deleted at any moment: a server and its supervisor are found again by what they carry, and the
//! folder is made again. Only restarts and reasons are lost.

use std::{fs, os::unix::fs::PermissionsExt, process::Child, thread, time::Duration};

use nix::sys::signal::Signal;
use proc_tree::Identity;

use crate::{
    kept::scripted,
    site::{Line, Site, becomes, line, send, start_by_hand},
    support::{eventually, runs, side_by_side},
};

/// When the folder is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Nothing was started yet.
    Before,
    /// The server is on its way up.
    Starting,
    /// The server is up.
    Up,
    /// It failed, and its supervisor waits before it starts it again.
    Pause,
}

use Moment::{Before, Pause, Starting, Up};

/// The moments, each with a supervisor and, where there may be none, without one.
const CASES: [(Moment, bool); 7] =
    [(Before, false), (Before, true), (Starting, false), (Starting, true), (Up, false), (Up, true), (Pause, true)];

/// A server whose state folder was deleted.
struct Deleted {
    site: Site,
    options: Vec<String>,
    command: Vec<String>,
    /// The call that started it, where that still waits.
    starter: Option<Child>,
    /// The processes that it had.
    processes: Vec<Identity>,
}

impl Deleted {
    /// Deletes it at a moment that lasts so many milliseconds, if it does not last by itself.
    fn at(moment: Moment, is_kept: bool, lasts: u32) -> Self {
        let site = Site::new();
        let command = match moment {
            Before | Up => site.server(&[]),
            Starting => site.server(&["--delay", &lasts.to_string()]),
            Pause => scripted(r#"[ $(wc -l < count) -gt 1 ] && exec "$@"; exit 9"#),
        };
        let kept = ["--keep-up".to_owned(), "--backoff".to_owned(), format!("{lasts}ms")];
        let options: Vec<String> = kept.into_iter().filter(|_| is_kept).collect();
        let mut starter = None;
        match moment {
            Before => fs::create_dir(site.path("state")).expect("the folder is ours"),
            Up => drop(site.line(&words(&options), &command)),
            Starting | Pause => starter = Some(site.run(&words(&options), &command).spawn()),
        }
        let phase = if moment == Pause { "waiting" } else { "starting" };
        if starter.is_some() {
            eventually(phase, || !site.started().is_empty() && site.recorded("phase") == phase);
        }
        let callers: Vec<u32> = starter.iter().map(Child::id).collect();
        let processes = site.processes().into_iter().filter(|one| !callers.contains(&one.pid)).collect();
        fs::remove_dir_all(site.path("state")).expect("the folder is ours");
        Self { site, options, command, starter, processes }
    }

    fn again(&self, options: &[&str]) -> Line {
        line(&self.site.run(&[&words(&self.options)[..], &["--json"], options].concat(), &self.command).run())
    }

    /// Waits for the call that started it, which says whether that came up.
    fn starter(&mut self) -> Option<i32> {
        self.starter.as_mut().and_then(|starter| starter.wait().expect("it ends").code())
    }

    fn is_over(&self) -> bool {
        self.processes.iter().all(|one| !one.is_running().unwrap_or(true))
    }

    /// Stops it, and makes sure that nothing is left.
    fn stop(&self) {
        let output = self.site.tool().arg("--stop").run();
        assert!(output.stderr.starts_with("stopped "), "{output:?}");
        assert!(self.site.is_stopped(), "{:?}", self.site.processes());
    }
}

fn words(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

#[test]
fn the_next_call_finds_the_server_and_its_supervisor_again() {
    side_by_side(CASES, |(moment, is_kept)| {
        let mut deleted = Deleted::at(moment, is_kept, 4000);
        let found = deleted.again(&[]);
        let site = &deleted.site;
        let action = match moment {
            Before => "started",
            Up => "reused",
            Starting | Pause => "joined",
        };
        let starts = if moment == Pause { 2 } else { 1 };
        assert_eq!((found.action.as_str(), site.started().len()), (action, starts), "{moment:?} {is_kept}: {found:?}");
        assert_eq!(site.alive(), [found.pid.expect("a PID")], "{moment:?} {is_kept}");
        assert!(found.healthy && found.differs.is_empty(), "{moment:?} {is_kept}: {found:?}");
        assert_eq!(fs::metadata(site.path("state")).expect("a folder").permissions().mode() & 0o777, 0o700);
        let entry = site.entry();
        assert_eq!(
            (entry.state.as_str(), entry.pid, entry.healthy),
            ("running", found.pid, true),
            "{moment:?} {is_kept}"
        );
        if let Some(status) = deleted.starter() {
            assert_eq!(status, 0, "{moment:?} {is_kept}: who started it sees it come up");
        }
        deleted.stop();
    });
}

#[test]
fn status_tells_what_is_there_and_changes_nothing() {
    side_by_side(CASES, |(moment, is_kept)| {
        let deleted = Deleted::at(moment, is_kept, 60_000);
        let entries = deleted.site.entries();
        let seen: Vec<_> = entries.iter().map(|entry| (entry.state.as_str(), entry.pid)).collect();
        let server = deleted.site.alive().first().copied();
        let expected = match moment {
            Before => vec![],
            Up => vec![("running", server)],
            Starting | Pause => vec![("starting", server)],
        };
        assert_eq!(seen, expected, "{moment:?} {is_kept}");
        let found = deleted.processes.iter().filter(|one| one.is_running().unwrap_or(true)).count();
        assert_eq!(found, deleted.processes.len(), "{moment:?} {is_kept}");
        let left: Vec<_> = fs::read_dir(deleted.site.path("state")).expect("a folder").flatten().collect();
        assert!(left.is_empty() || moment != Up, "{moment:?} {is_kept}: {left:?}");
    });
}

#[test]
fn a_stop_ends_the_server_and_its_supervisor() {
    side_by_side(CASES, |(moment, is_kept)| {
        let mut deleted = Deleted::at(moment, is_kept, 60_000);
        let port = deleted.site.port.to_string();
        for words in [vec!["--stop"], vec!["--stop", &port]] {
            let output = deleted.site.bare().args(&words).any_stdout().any_stderr().run();
            let is_first = words.len() == 1 && moment != Before;
            assert_eq!(output.stderr.starts_with("stopped "), is_first, "{moment:?} {is_kept}: {output:?}");
            assert!(deleted.is_over(), "{moment:?} {is_kept}");
        }
        if let Some(status) = deleted.starter() {
            assert_eq!(status, 3, "{moment:?} {is_kept}: who started it sees it end");
        }
        assert!(deleted.site.processes().is_empty(), "{moment:?} {is_kept}");
    });
}

#[test]
fn a_restart_leaves_nothing_of_the_first_one() {
    side_by_side(CASES, |(moment, is_kept)| {
        let mut deleted = Deleted::at(moment, is_kept, 1500);
        let found = deleted.again(&["--restart"]);
        let action = if moment == Before { "started" } else { "restarted" };
        assert_eq!(found.action, action, "{moment:?} {is_kept}: {found:?}");
        assert!(deleted.is_over(), "{moment:?} {is_kept}");
        assert_eq!(deleted.site.alive(), [found.pid.expect("a PID")], "{moment:?} {is_kept}");
        deleted.starter();
        let again = deleted.again(&[]);
        assert_eq!((again.action.as_str(), again.pid), ("reused", found.pid), "{moment:?} {is_kept}");
        deleted.stop();
    });
}

#[test]
fn a_folder_that_is_deleted_at_any_time_of_a_start_makes_no_second_server() {
    let sweep = |options: &[&str]| {
        let site = Site::new();
        let command = site.server(&["--delay", "50"]);
        for wait in [0, 1, 2, 4, 8, 13, 20, 30, 60] {
            let starter = site.run(options, &command).spawn();
            thread::sleep(Duration::from_millis(wait));
            // what is written there in this moment may keep it from being deleted whole
            let _ = fs::remove_dir_all(site.path("state"));
            let output = starter.wait_with_output().expect("it ends");
            let why = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{options:?}, after {wait} ms: {why}");
            let found = site.line(options, &command);
            assert_eq!(site.alive(), [found.pid.expect("a PID")], "{options:?}, after {wait} ms: {found:?}");
            site.tool().arg("--stop").run();
            assert!(site.processes().is_empty(), "{options:?}, after {wait} ms");
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| sweep(&[]));
        scope.spawn(|| sweep(&["--keep-up"]));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_starter_whose_server_another_call_has_stopped_ends_nothing_of_the_next_one() {
    let mut deleted = Deleted::at(Starting, false, 60_000);
    let starter = deleted.starter.as_ref().expect("it waits").id();
    let environment = fs::read_to_string(format!("/proc/{}/environ", deleted.site.alive()[0])).expect("ours");
    let mark = environment.split('\0').find(|text| text.starts_with("ENSURE_UP_SERVICE=")).expect("a mark");
    send(starter, Signal::SIGSTOP);
    deleted.site.tool().arg("--stop").run();
    // what another call has just started: its record is not written yet
    let command = [vec!["/usr/bin/env".to_owned(), mark.to_owned()], deleted.command.clone()].concat();
    let mut next = start_by_hand(&deleted.site, &command, &deleted.site.folder());
    becomes(next.id(), "fixture");
    send(starter, Signal::SIGCONT);
    assert_eq!(deleted.starter(), Some(3));
    assert_eq!(next.try_wait().expect("a child"), None);
}

#[test]
fn a_supervisor_goes_on_and_makes_the_folder_again() {
    let site = Site::new();
    let command = site.server(&[]);
    let first = site.kept(&[], &command);
    let supervisor = site.supervisor();
    fs::remove_dir_all(site.path("state")).expect("the folder is ours");
    send(first.pid.expect("a PID"), Signal::SIGKILL);
    site.generation(2);
    assert_eq!(site.supervisor(), supervisor, "it went on");
    assert_eq!(fs::metadata(site.path("state")).expect("a folder").permissions().mode() & 0o777, 0o700);
    let again = site.kept(&[], &command);
    assert_eq!((again.action.as_str(), again.restarts), ("reused", 1));
    site.tool().arg("--stop").run();
    assert!(site.is_stopped() && !runs(supervisor.pid));
}

#[test]
fn a_supervisor_is_found_again_whose_record_another_starter_wrote_over() {
    for next in [&["--json"][..], &["--stop"], &["--restart", "--json"]] {
        let site = Site::new();
        let command = site.server(&[]);
        let first = site.kept(&[], &command);
        let supervisor = site.supervisor();
        let text = fs::read_to_string(site.record()).expect("a record");
        let mut record: serde_json::Value = serde_json::from_str(&text).expect("a record is whole");
        // one that has ended, and began nothing
        record["supervisor"] = serde_json::json!({ "pid": supervisor.pid, "start_id": 1 });
        fs::write(site.record(), record.to_string()).expect("the folder is ours");
        if next == ["--stop"] {
            site.tool().arg("--stop").run();
        } else {
            let found = line(&site.keep(next, &command).run());
            let action = if next.len() == 1 { "reused" } else { "restarted" };
            assert_eq!((found.action.as_str(), found.pid == first.pid), (action, next.len() == 1), "{found:?}");
            assert_eq!(runs(supervisor.pid), next.len() == 1, "{next:?}");
            site.tool().arg("--stop").run();
        }
        assert!(site.is_stopped() && !runs(supervisor.pid), "{next:?}");
    }
}
