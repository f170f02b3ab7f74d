//! A server that became another user's: what could not be stopped is told and remembered, however it was to end.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    process::Command,
    thread,
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, send},
    stop::stop,
    support::{NOBODY, eventually, fixture_path, is_root_or_skipped},
};

/// A server that its user may not signal: it became root's.
fn promoted(site: &Site) -> Vec<String> {
    let copy = site.path("fixture");
    if !copy.exists() {
        fs::set_permissions(site.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        chown(site.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
        // not by this process: what it has open for writing, its other threads' children would have open too (ETXTBSY)
        assert!(Command::new("cp").arg(fixture_path()).arg(&copy).status().unwrap().success());
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).unwrap();
    }
    let words = ["promoted", "--count", &site.word("count"), "127.0.0.1:{port}"].map(str::to_owned);
    std::iter::once(site.word("fixture")).chain(words).collect()
}

#[test]
fn a_server_that_cannot_be_stopped_is_told_and_remembered_however_it_was_to_end() {
    if !is_root_or_skipped() {
        return;
    }
    let health = ["--health", "/", "--expect-body", "ok"];
    for (options, status) in [
        (&["--then", "true"][..], 125),
        (&["--then", "exit 7"], 7),
        (&["--keep-up", "--then", "true"], 125),
        (&["--then", "kill -TERM $PPID; sleep 5"], 128 + Signal::SIGTERM as i32),
        // without its answer it is never known to be ready
        (&["--timeout", "1s"], 124),
        (&["--keep-up", "--timeout", "1s"], 124),
    ] {
        let site = Site::new();
        let command = promoted(&site);
        let known: &[&str] = if options.contains(&"--timeout") { &[] } else { &health };
        let mut tool = site.run(&[known, options].concat(), &command).user(NOBODY).cwd(&site.folder());
        let output = tool.finish();
        let ended = output.status.code().or(output.signal().map(|signal| 128 + signal));
        assert_eq!(ended, Some(status), "{options:?}: {output:?}");
        let left = format!("cannot stop fixture ({})", site.started()[0]);
        assert!(output.stderr.contains(&left), "{options:?}: {output:?}");
        assert!(site.record().exists(), "{options:?}");
        let output = stop(&site).user(NOBODY).cwd(&site.folder()).status(1).any_stderr().run();
        assert!(output.stderr.contains(&left), "{options:?}: {output:?}");
        assert!(site.record().exists(), "{options:?}");
    }
}

#[test]
fn what_cannot_be_stopped_gets_no_other_one_beside_it_when_a_file_changes() {
    if !is_root_or_skipped() {
        return;
    }
    let site = Site::new();
    let helper = promoted(&site).join("' '").replace("{port}", "0");
    let worker = format!("echo $$ >> started; '{helper}' > helper & exec sleep 300");
    let options = ["--name", "worker", "--reload-on", "*.py", "--grace", "1s", "--", "/bin/sh", "-c", &worker];
    site.bare().args(options).user(NOBODY).cwd(&site.folder()).any_stderr().run();
    let started = || fs::read_to_string(site.path("started")).unwrap().lines().count();
    let is_log = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "log");
    let mut files = fs::read_dir(site.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let log = files.find(is_log).unwrap();
    let told = format!("giving up: cannot stop fixture ({})", site.started()[0]);
    for time in 1..=2 {
        fs::write(site.path("app.py"), time.to_string()).unwrap();
        eventually("what is left", || fs::read_to_string(&log).unwrap().matches(&told).count() == time);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(started(), 1, "{time}");
    }
    send(site.started()[0], Signal::SIGKILL);
    fs::write(site.path("app.py"), "3").unwrap();
    eventually("the next one", || started() == 2);
}

#[test]
fn a_server_in_the_foreground_that_cannot_be_stopped_is_told() {
    if !is_root_or_skipped() {
        return;
    }
    let site = Site::new();
    let command = promoted(&site);
    let options = ["--foreground", "--health", "/", "--expect-body", "ok"];
    let mut tool = site.run(&options, &command).user(NOBODY).cwd(&site.folder());
    let child = tool.spawn();
    eventually("readiness", || fs::read_to_string(site.record()).is_ok_and(|text| text.contains("\"ready\"")));
    thread::sleep(Duration::from_millis(200));
    send(child.id(), Signal::SIGTERM);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("cannot stop fixture ({})", site.started()[0])), "{said}");
    assert!(site.record().exists());
}
