//! Stopping on purpose: by --stop, by port-kill, through a restart.

use std::{fs, process::Command};

use crate::{
    kept::scripted,
    site::Site,
    support::{Tool, built, eventually, installed, runs},
};

/// Frees a port with the sibling, whose own tests say what it says.
pub(crate) fn free(port: u16) {
    let port_kill = built::sibling("port-kill").into_os_string().into_string().expect("the folder's name is UTF-8");
    Tool::new(&port_kill).arg(port.to_string()).any_stdout().any_stderr().run();
}

fn stays_dead(site: &Site) {
    eventually("an end of all", || site.processes().is_empty());
    let started = site.started();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(site.started(), started);
    assert!(site.is_stopped());
}

#[test]
fn a_stop_ends_the_supervisor_and_its_server() {
    let site = Site::new();
    let line = site.kept(&[], &site.server(&["--forks", "2"]));
    let stopped = site.bare().args(["--stop", &site.port.to_string()]).any_stderr().run();
    assert_eq!(stopped.stderr, format!("stopped fixture on port {} (pid {})\n", site.port, line.pid.expect("a PID")));
    stays_dead(&site);
}

#[test]
fn what_stands_in_the_place_of_a_file_of_ours_is_left_alone_and_holds_nobody_up() {
    let Some(mkfifo) = installed("mkfifo") else { return };
    let site = Site::new();
    site.kept(&["--idle-stop", "1h"], &site.server(&[]));
    fs::write(site.path("value"), "worth keeping").expect("the folder is ours");
    for kind in ["asked", "supervisor"] {
        let path = site.file_of(&site.folder(), None, kind);
        fs::remove_file(&path).expect("it is there");
        fs::hard_link(site.path("value"), &path).expect("they are on one disk");
    }
    fs::remove_file(site.log()).expect("it is there");
    assert!(Command::new(mkfifo).arg(site.log()).status().is_ok_and(|status| status.success()));
    site.bare().arg("--status").any_stdout().any_stderr().run();
    site.bare().args(["--stop"]).any_stderr().run();
    stays_dead(&site);
    fs::remove_file(site.log()).expect("it is there");
    site.kept(&["--idle-stop", "1h"], &site.server(&[]));
    assert_eq!(fs::read_to_string(site.path("value")).expect("it is there"), "worth keeping");
}

#[test]
fn a_stop_during_the_pause_before_a_restart_ends_the_supervisor() {
    let site = Site::new();
    let mut starter = site.run(&["--keep-up", "--backoff", "60s"], &scripted("exit 1")).spawn();
    eventually("a pause", || site.recorded("phase") == "waiting");
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.pid), ("starting", None));
    assert_eq!(entry.reason.as_deref(), Some("ended with status 1"));
    site.bare().args(["--stop"]).any_stderr().run();
    assert_eq!(starter.wait().expect("the starter ends").code(), Some(3));
    stays_dead(&site);
}

#[test]
fn a_port_that_is_freed_stays_free_although_its_server_is_kept_up() {
    let site = Site::new();
    site.kept(&[], &site.server(&[]));
    free(site.port);
    stays_dead(&site);
    // one that was taken over is not its supervisor's child
    site.kept(&[], &site.server(&[]));
    crate::site::end(site.supervisor());
    assert_eq!(site.kept(&[], &site.server(&[])).action, "adopted");
    free(site.port);
    stays_dead(&site);
}

#[test]
fn a_restart_replaces_supervisor_and_server() {
    let site = Site::new();
    let first = site.kept(&[], &site.server(&[]));
    let supervisor = site.supervisor();
    let second = site.kept(&["--restart"], &site.server(&[]));
    assert_eq!(second.action, "restarted");
    assert!(!runs(first.pid.expect("a PID")) && !runs(supervisor.pid));
    assert_eq!(site.alive(), [second.pid.expect("a PID")]);
    let third = site.kept(&["--restart-if-changed"], &site.server(&["--body", "new"]));
    assert_eq!(third.action, "restarted");
    assert!(site.get().ends_with("new"));
    assert_eq!(site.alive(), [third.pid.expect("a PID")]);
}

#[test]
fn a_server_that_does_not_end_by_itself_is_killed_with_its_workers() {
    let site = Site::new();
    site.kept(&["--grace", "100ms"], &site.server(&["--ignore-term", "--forks", "2"]));
    // its supervisor had to
    let said = site.bare().args(["--stop"]).any_stdout().any_stderr().run().stderr;
    assert!(
        said.starts_with("fixture: SIGTERM ignored, SIGKILL after 0.10 s: fixture (")
            && said.contains("\nstopped fixture ")
            && said.lines().count() == 2,
        "{said}"
    );
    stays_dead(&site);
}
