//! What is in the state folder is never believed blindly, never followed, never fatal.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    process::Command,
};

use serde_json::Value;

use crate::{
    site::Site,
    support::{NOBODY, is_root_or_skipped, runs},
};

/// Starts a server, and hands out its record with the server still up.
fn started() -> (Site, Value) {
    let site = Site::new();
    site.serve(&[]).run();
    let text = fs::read_to_string(site.record()).expect("a server has a record");
    (site, serde_json::from_str(&text).expect("a record is JSON"))
}

fn put(site: &Site, record: &Value) {
    fs::write(site.record(), serde_json::to_vec(record).unwrap()).unwrap();
}

/// Whatever stands in the record's place: the server is known by its mark.
fn is_no_record(site: &Site, what: &str) {
    let line = site.line(&[], &site.server(&[]));
    assert_eq!((line.action.as_str(), site.started().len()), ("reused", 1), "{what}");
    assert_eq!(site.line(&[], &site.server(&[])).action, "reused", "{what}");
}

#[test]
fn a_record_is_a_file_of_this_user_alone() {
    let (site, record) = started();
    assert_eq!(record["pid"], site.alive()[0]);
    assert_eq!(fs::metadata(site.record()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(site.path("state")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(site.log()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn garbage_in_the_records_place_is_no_record() {
    let (site, record) = started();
    let whole = record.to_string();
    let deep = "[".repeat(100_000);
    for garbage in ["", "{", "null", "not JSON", &whole[..whole.len() / 2], "{\"pid\": 1}", "\0\u{1}\u{7f}", &deep] {
        fs::write(site.record(), garbage).unwrap();
        is_no_record(&site, &garbage[..garbage.len().min(40)]);
    }
    fs::write(site.record(), [0xff, 0xfe, b'{']).unwrap();
    is_no_record(&site, "no text");
}

#[test]
fn a_record_with_a_wrong_value_is_no_record() {
    let (site, record) = started();
    for (key, value) in [
        ("boot_id", "another boot".into()),
        ("port", 1.into()),
        ("pid", (-1).into()),
        ("pid", "x".into()),
        ("pid", Value::from(u64::MAX)),
        ("phase", "?".into()),
    ] {
        let mut wrong = record.clone();
        wrong[key] = value;
        put(&site, &wrong);
        is_no_record(&site, key);
    }
}

#[test]
fn a_link_or_a_folder_in_the_records_place_is_no_record_and_the_links_goal_is_left_alone() {
    let (site, record) = started();
    fs::write(site.path("goal"), record.to_string()).unwrap();
    fs::remove_file(site.record()).unwrap();
    symlink(site.path("goal"), site.record()).unwrap();
    is_no_record(&site, "a link");
    assert_eq!(fs::read_to_string(site.path("goal")).unwrap(), record.to_string());
    fs::remove_file(site.record()).unwrap();
    fs::create_dir(site.record()).unwrap();
    is_no_record(&site, "a folder");
    fs::remove_file(site.record()).unwrap();
    assert!(Command::new("mkfifo").arg(site.record()).status().is_ok_and(|status| status.success()), "mkfifo");
    is_no_record(&site, "a pipe");
}

#[test]
fn a_link_in_the_locks_place_is_not_followed_and_a_pipe_does_not_hold_up() {
    let site = Site::new();
    fs::create_dir(site.path("state")).unwrap();
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    let lock = site.lock();
    symlink(site.path("goal"), &lock).unwrap();
    let output = site.serve(&[]).status(125).run();
    assert!(output.stderr.starts_with(&format!("ensure-up: cannot lock {}: ", lock.display())), "{}", output.stderr);
    assert!(!site.path("goal").exists());
    fs::remove_file(&lock).unwrap();
    assert!(Command::new("mkfifo").arg(&lock).status().is_ok_and(|status| status.success()), "mkfifo");
    site.serve(&[]).status(125).run();
    assert!(site.started().is_empty());
}

#[test]
fn the_record_of_somebody_else_is_not_believed() {
    if !is_root_or_skipped() {
        return;
    }
    let (site, _) = started();
    chown(site.record(), Some(NOBODY), Some(NOBODY)).unwrap();
    is_no_record(&site, "somebody else's");
}

/// What has the PID now may have started in the same tick of the clock, so quick is a test.
fn earlier(stale: &mut Value) {
    let start_id = stale["start_id"].as_u64().expect("a number");
    stale["start_id"] = (start_id - 1).into();
}

#[test]
fn a_recycled_pid_is_not_the_server() {
    let (site, record) = started();
    site.clear();
    let mut other = Command::new("sleep").arg("60").current_dir("/").spawn().unwrap();
    let mut stale = record;
    stale["pid"] = other.id().into();
    earlier(&mut stale);
    put(&site, &stale);
    let line = site.line(&["--restart"], &site.server(&[]));
    assert_eq!(line.action, "started", "there was none to restart");
    assert!(other.try_wait().unwrap().is_none(), "the process with the PID is left alone");
    other.kill().and_then(|()| other.wait()).unwrap();
}

#[test]
fn a_recycled_pid_that_leads_a_session_is_not_the_server_nor_are_its_members() {
    let (site, record) = started();
    site.clear();
    // what was started with the old record, this one's leader stands in for; it runs outside of the site
    let mut leader = Command::new("/bin/sh");
    leader.args(["-c", "sleep 60 & echo $!; wait"]).current_dir("/").stdout(std::process::Stdio::piped());
    // SAFETY: setsid(2) is async-signal-safe.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut leader, || Ok(nix::unistd::setsid().map(|_| ())?));
    }
    let mut leader = leader.spawn().unwrap();
    let mut member = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(leader.stdout.take().unwrap()), &mut member).unwrap();
    let member: u32 = member.trim().parse().unwrap();
    for options in [&["--restart"][..], &["--timeout", "5s"]] {
        let mut stale = record.clone();
        stale["pid"] = leader.id().into();
        earlier(&mut stale);
        put(&site, &stale);
        let line = site.line(options, &site.server(&[]));
        assert_eq!(line.action, "started", "{options:?}");
        assert!(runs(leader.id()) && runs(member), "{options:?}: a stranger was stopped");
        site.clear();
    }
    crate::site::send(member, nix::sys::signal::Signal::SIGKILL);
    leader.kill().and_then(|()| leader.wait()).unwrap();
}

#[test]
fn a_record_of_a_process_that_is_gone_does_not_hide_a_stranger() {
    let (site, _) = started();
    site.clear();
    let stranger = crate::support::Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    let output = site.serve(&[]).status(4).run();
    assert!(output.stderr.contains(&stranger.pid().to_string()), "{}", output.stderr);
}

#[test]
fn a_recorded_server_that_lives_does_not_make_a_stranger_ours() {
    // the server runs and has given its port up; somebody else took it
    let site = Site::new();
    let command = crate::site::shell("\"$0\" \"$@\" & echo $! > pid; wait; sleep 60", &site.server(&[]));
    site.run(&[], &command).run();
    let pid = site.alive()[0];
    crate::site::send(pid, nix::sys::signal::Signal::SIGKILL);
    crate::support::eventually("the end of the server", || !runs(pid));
    let _stranger = crate::support::Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    site.run(&["--health", "/"], &command).status(4).run();
}

/// A launcher may hold the port first and end once its daemon has it: then that is in no record.
#[test]
fn a_daemon_that_no_record_names_is_listed_as_its_server() {
    let site = Site::new();
    // of a session whose leader has ended, as one that was forked twice
    let script = "setsid /bin/sh -c '\"$0\" \"$@\" & echo $$ > leader' \"$0\" \"$@\"";
    site.run(&[], &crate::site::shell(script, &site.server(&[]))).run();
    let leader = fs::read_to_string(site.path("leader")).expect("a PID").trim().parse().expect("a PID");
    crate::support::eventually("the leader's end", || !runs(leader));
    let mut record: Value = serde_json::from_slice(&fs::read(site.record()).unwrap()).unwrap();
    let mut launcher = Command::new("sleep").arg("60").spawn().expect("sleep runs");
    let ended = serde_json::to_value(proc_tree::Identity::of(launcher.id()).unwrap()).unwrap();
    launcher.kill().and_then(|()| launcher.wait()).expect("a child can be killed");
    for key in ["pid", "start_id"] {
        record[key] = ended[key].clone();
    }
    record["holders"] = vec![ended.clone()].into();
    record["acceptors"] = record["holders"].clone();
    put(&site, &record);
    let listed = site.bare().args(["--status", "--json"]).any_stdout().run().records().remove(0);
    assert_eq!((&listed["state"], &listed["healthy"]), (&"running".into(), &true.into()), "{listed}");
    assert_eq!(listed["pid"], site.alive()[0], "{listed}");
    assert_eq!(listed["reason"], Value::Null, "{listed}");
}

#[test]
fn a_server_whose_record_is_lost_and_whose_environment_is_hidden_is_known_by_its_log() {
    let site = Site::new();
    // as a title that is written over it hides it
    let command = crate::site::shell("exec env -i \"$0\" \"$@\"", &site.server(&[]));
    site.run(&[], &command).run();
    fs::remove_dir_all(site.path("state")).unwrap();
    let status = site.bare().args(["--status", "--json", &site.port.to_string()]).any_stdout().run();
    assert_eq!(
        (&status.records()[0]["state"], &status.records()[0]["pid"]),
        (&"running".into(), &site.alive()[0].into())
    );
    let output = crate::stop::stop(&site).run();
    assert!(output.stderr.starts_with("stopped "), "{output:?}");
    assert_eq!(site.processes(), []);
}
