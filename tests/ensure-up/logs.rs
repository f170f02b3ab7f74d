//! The server's log: where it is, what is kept of old ones, and that it is checked before anything starts.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, SystemTime},
};

use crate::{
    site::{Site, shell},
    support::{installed, is_root_or_skipped, skipped},
};

fn text(site: &Site, name: &str) -> Option<String> {
    fs::read_to_string(site.path(name)).ok()
}

#[test]
fn stdout_and_stderr_go_to_the_log() {
    let site = Site::new();
    site.serve(&["--print", "to stdout", "--eprint", "to stderr"]).run();
    let text = fs::read_to_string(site.log()).unwrap();
    assert!(text.contains("to stdout\n") && text.contains("to stderr\n"), "{text}");
}

#[test]
fn logs_are_rotated_at_start_and_so_many_are_kept() {
    let site = Site::new();
    for number in 1..=5 {
        site.run(&["--restart", "--log", "l", "--log-keep", "2"], &site.server(&["--print", &format!("run {number}")]))
            .run();
    }
    let run = |name: &str| text(&site, name).map(|text| text[..5].to_owned());
    assert_eq!(["l", "l.1", "l.2"].map(run), ["run 5", "run 4", "run 3"].map(|run| Some(run.to_owned())));
    assert_eq!(text(&site, "l.3"), None);
    site.run(&["--restart", "--log", "l", "--log-keep", "0"], &site.server(&["--print", "run 6"])).run();
    assert_eq!((run("l").as_deref(), run("l.1").as_deref()), (Some("run 6"), Some("run 4")));
}

#[test]
fn a_reused_server_keeps_its_log() {
    let site = Site::new();
    site.serve(&[]).run();
    site.serve(&[]).run();
    assert!(!site.state(&format!("{}.log.1", site.port)).exists());
}

#[test]
fn a_log_in_a_new_folder_is_made_with_it() {
    let site = Site::new();
    site.run(&["--log", "deep/er/log"], &site.server(&[])).run();
    assert!(text(&site, "deep/er/log").is_some_and(|text| text.starts_with("ready")));
}

#[test]
fn a_log_that_cannot_be_written_is_status_125_before_anything_starts() {
    let site = Site::new();
    fs::write(site.path("file"), "").unwrap();
    for (log, why) in [("file/log", "not a directory"), (".", "is a directory")] {
        let output = site.run(&["--log", log], &site.server(&[])).status(125).run();
        assert!(output.stderr.starts_with("ensure-up: cannot write the log "), "{}", output.stderr);
        assert!(output.stderr.trim_end().ends_with(why), "{}", output.stderr);
    }
    assert!(site.started().is_empty() && site.is_forgotten());
}

#[test]
fn devices_and_links_are_written_to_and_not_renamed() {
    let site = Site::new();
    site.run(&["--log", "/dev/null"], &site.server(&[])).run();
    fs::write(site.path("goal"), "old\n").unwrap();
    symlink("goal", site.path("link")).unwrap();
    site.run(&["--restart", "--log", "link"], &site.server(&[])).run();
    assert!(text(&site, "goal").is_some_and(|text| text.starts_with("old\nready")));
    assert!(!site.path("link.1").exists());
}

#[test]
fn a_pipe_as_log_does_not_hold_up_a_failure() {
    let Some(mkfifo) = installed("mkfifo") else { return };
    let site = Site::new();
    assert!(std::process::Command::new(mkfifo).arg(site.path("pipe")).status().unwrap().success());
    // a pipe that is open for both has a reader
    let reader = fs::File::options().read(true).write(true).open(site.path("pipe")).unwrap();
    site.run(&["--log", "pipe"], &shell("echo x; exit 1", &[])).status(3).run();
    drop(reader);
}

#[test]
fn what_is_about_servers_long_gone_is_removed() {
    let site = Site::new();
    site.serve(&[]).run();
    let long_ago = SystemTime::now() - Duration::from_hours(24 * 30);
    for (name, at) in [
        ("1-0123abcd.log", long_ago),
        ("1-0123abcd.log.2", long_ago),
        ("2-0123abcd.log", SystemTime::now()),
        ("notes.log", long_ago),
        ("3.txt", long_ago),
        ("4-0123abcd.then", long_ago),
        ("4-0123abcd.wanted", long_ago),
        ("5-0123abcd.then", long_ago),
        ("5-0123abcd.wanted", SystemTime::now()),
        ("6-0123abcd.then", long_ago),
    ] {
        fs::write(site.state(name), "x").unwrap();
        fs::File::options().write(true).open(site.state(name)).unwrap().set_modified(at).unwrap();
    }
    let used = fs::File::open(site.state("6-0123abcd.then")).unwrap();
    used.lock_shared().unwrap();
    site.run(&["--restart"], &site.server(&[])).run();
    let left = ["4-0123abcd.then", "4-0123abcd.wanted", "5-0123abcd.then", "5-0123abcd.wanted", "6-0123abcd.then"];
    let left = left.map(|name| site.state(name).exists());
    assert_eq!(left, [false, false, true, true, true], "one that is used, or was asked for lately, stays noted");
    let left = ["1-0123abcd.log", "1-0123abcd.log.2", "2-0123abcd.log", "notes.log", "3.txt"]
        .map(|name| site.state(name).exists());
    assert_eq!(left, [false, false, true, true, true]);
}

/// A file system of some pages, or none where that cannot be had.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mounted(at: std::path::PathBuf, options: &str) -> Option<Self> {
        if !cfg!(target_os = "linux") || !is_root_or_skipped() {
            return None;
        }
        let mount = installed("mount")?;
        fs::create_dir_all(&at).unwrap();
        let mut command = std::process::Command::new(mount);
        let done = command.args(["-t", "tmpfs", "-o", options, "none"]).arg(&at).output().unwrap();
        if !done.status.success() {
            skipped("no file system can be mounted here");
            return None;
        }
        Some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_for_the_log_does_not_keep_the_server_from_starting() {
    let site = Site::new();
    let Some(disk) = Disk::mounted(site.path("disk"), "size=16k,mode=0700") else { return };
    let _ = fs::write(disk.0.join("full"), vec![0; 64 * 1024]);
    // what it cannot write is the server's affair; this one does not care
    let command = shell("echo x; exec \"$0\" \"$@\" >/dev/null", &site.server(&[]));
    site.run(&["--log", "disk/log"], &command).run();
    assert_eq!(site.alive().len(), 1);
    // and this one does
    let other = Site::new();
    let log = disk.0.join("other.log").to_str().unwrap().to_owned();
    let output = other.run(&["--log", &log], &shell("echo x || exit 9", &[])).status(3).run();
    assert!(output.stderr.contains("ended with status 9"), "{}", output.stderr);
    site.clear();
}

#[test]
fn a_full_disk_for_the_record_is_status_125_and_nothing_runs() {
    let site = Site::new();
    let Some(disk) = Disk::mounted(site.path("state"), "size=16k,mode=0700") else { return };
    let _ = fs::write(disk.0.join("full"), vec![0; 64 * 1024]);
    let output = site.run(&["--log", "/dev/null"], &site.server(&[])).status(125).run();
    assert!(output.stderr.starts_with("ensure-up: cannot write a record in "), "{}", output.stderr);
    assert!(output.stderr.trim_end().ends_with("no space left on device"), "{}", output.stderr);
    assert_eq!((site.processes(), site.started().len()), (vec![], 0));
}

#[test]
fn a_read_only_state_folder_is_status_125_but_what_is_up_is_still_reused() {
    let site = Site::new();
    let Some(disk) = Disk::mounted(site.path("state"), "mode=0700") else { return };
    site.serve(&[]).run();
    let remount = |how: &str| {
        let mut command = std::process::Command::new("mount");
        assert!(command.args(["-o", &format!("remount,{how}")]).arg(&disk.0).status().unwrap().success(), "remount");
    };
    let Ok(writer) = fs::read_link(format!("/proc/{}/fd/1", site.alive()[0])) else { return };
    assert_eq!(writer, site.log());
    site.clear();
    site.run(&["--log", "/dev/null"], &site.server(&[])).run();
    remount("ro");
    assert_eq!(site.line(&[], &site.server(&[])).action, "reused");
    let before = site.started().len();
    site.clear();
    let output = site.serve(&[]).status(125).run();
    assert!(output.stderr.starts_with("ensure-up: cannot lock "), "{}", output.stderr);
    assert!(output.stderr.trim_end().ends_with("read-only file system"), "{}", output.stderr);
    assert_eq!(site.started().len(), before);
}
