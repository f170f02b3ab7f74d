//! Records that one tool writes where it may open pidfds and another reads where it may not, and the other way round.

use proc_tree::Identity;

use super::support::{self, Fixture, filter::without_pidfds, fixture_path, free_port, runs, skipped, unshare};
use super::{script, shell, stdout};

/// Tells whether a `start_id` is read as a pidfd's inode here, and says so where a test needs it and it is not.
fn inodes_are_identities_or_skipped() -> bool {
    let own = Identity::of(std::process::id()).expect("it can be seen").expect("it runs");
    let are = own.start_id < 1 << 52;
    if !are {
        skipped("pidfds have no inodes of their own");
    }
    are
}

#[test]
fn a_record_of_where_pidfds_are_not_is_the_same_process_where_they_are() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, own, fixture) = (server.port(), free_port(), fixture_path());
    let serve = format!("{fixture} serve 127.0.0.1:{own}", fixture = fixture.display());
    let mut shell = shell(
        &format!(
            "port-who --json {port} >record
             ensure-up --keep-up --print pid --port {own} -- {serve} 2>said >server"
        ),
        folder.path(),
    );
    without_pidfds(&mut shell);
    assert!(shell.status().expect("a shell runs").success());
    let text = format!(
        "grep -q '\"start_id\":45035[0-9]*[,}}]' record
         proc-tree --json <record | grep -q '\"processes\":1'
         ensure-up --port {own} -- {serve} 2>&1 >said | grep -q reused
         ensure-up --status --json {own} | grep -q '\"healthy\":true'
         ensure-up --stop {own} 2>said
         if port-who {own}; then exit 1; fi
         test ! -e /proc/$(cat server)
         port-kill --json - <record | grep -q '\"outcome\":\"terminated\"'
         # and of one that has ended
         port-kill --json - <record | grep -q '\"outcome\":\"gone\"'"
    );
    stdout(&script(&text, folder.path()));
    assert!(!runs(server.pid()));
}

#[test]
fn where_pidfds_are_not_a_record_of_one_is_neither_gone_nor_signalled() {
    if !inodes_are_identities_or_skipped() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid, own, fixture) = (server.port(), server.pid(), free_port(), fixture_path());
    let serve = format!("{fixture} serve 127.0.0.1:{own}", fixture = fixture.display());
    stdout(&script(
        &format!(
            "port-who --json {port} >record
             ensure-up --keep-up --print pid --port {own} -- {serve} 2>said >server"
        ),
        folder.path(),
    ));
    let ask = |text: &str| {
        let mut shell = shell(text, folder.path());
        without_pidfds(&mut shell);
        shell.output().expect("a shell runs")
    };
    let why = "its start_id is the inode of a pidfd, and this process may not open pidfds";
    for (command, status) in [
        ("port-kill --json - <record".to_owned(), 1),
        ("port-kill --tree - <record".to_owned(), 1),
        ("proc-tree <record".to_owned(), 125),
        (format!("ensure-up --stop {own}"), 125),
        (format!("ensure-up --port {own} -- {serve}"), 125),
    ] {
        let output = ask(&command);
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{command}: {said}");
        assert!(said.contains(why), "{command}: {said}");
    }
    let output = ask("port-kill --json - <record 2>said || true");
    let record = support::schema::checked("port-kill", &stdout(&output));
    assert_eq!((&record[0]["outcome"], &record[1]["free"]), (&"denied".into(), &false.into()), "{record:?}");
    let text = std::fs::read_to_string(folder.path().join("server")).expect("ensure-up told its PID");
    let kept = text.trim().parse().expect("a PID");
    assert!(runs(pid) && runs(kept), "nobody is signalled");
    // of one whose PID nobody has it can be told
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::Signal::SIGKILL)
        .expect("the fixture is ours");
    server.wait();
    assert!(stdout(&ask("port-kill --json - <record")).contains("\"outcome\":\"gone\""));
    stdout(&script(&format!("ensure-up --stop {own} 2>said"), folder.path()));
    assert!(!runs(kept));
}

#[test]
fn a_start_time_is_the_same_in_another_time_namespace() {
    let ahead = ["--time", "--boottime", "86400", "--fork"];
    let Some(unshare) = unshare(&ahead) else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let text = format!(
        "port-who --json {} >record; {} {} port-kill --json - <record",
        server.port(),
        unshare.display(),
        ahead.join(" ")
    );
    let mut shell = shell(&text, folder.path());
    without_pidfds(&mut shell);
    let said = stdout(&shell.output().expect("a shell runs"));
    assert!(said.contains("\"outcome\":\"terminated\"") && !runs(server.pid()), "{said}");
}
