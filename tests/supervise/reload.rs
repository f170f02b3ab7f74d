//! Restart on change: which changes count, how many restarts they make, and what becomes of a version that fails.

use std::{
    fs::{self, File},
    thread,
    time::{Duration, SystemTime},
};

use nix::sys::signal::Signal;

use crate::{
    kept::scripted,
    site::{Site, send},
    support::eventually,
};

/// Long enough for a restart that must not come to come.
fn settle() {
    thread::sleep(Duration::from_millis(400));
}

#[test]
fn a_change_makes_one_restart() {
    let site = Site::new();
    site.write("app.py", "1");
    site.kept(&["--reload-on", "*.py"], &site.server(&[]));
    site.write("app.py", "2");
    site.generation(2);
    settle();
    site.generation(2);
    assert_eq!(site.alive(), [site.started()[1]]);
    let log = site.logged();
    assert!(log.contains("app.py changed: starting again") && !log.contains("cannot bind"), "{log}");
    let entry = site.entry();
    assert_eq!((entry.restarts, entry.reloads), (0, 1));
}

#[test]
fn a_thousand_files_that_change_at_once_make_one_restart() {
    let site = Site::new();
    for number in 0..1000 {
        site.write(&format!("src/{}/{number}.py", number % 10), "1");
    }
    site.kept(&["--reload-on", "src/**/*.py"], &site.server(&[]));
    // at once, however long this machine takes to write them
    let supervisor = site.supervisor().pid;
    send(supervisor, Signal::SIGSTOP);
    for number in 0..1000 {
        let path = site.path(&format!("src/{}/{number}.py", number % 10));
        fs::remove_file(&path).expect("a file can be removed");
        fs::write(&path, "2").expect("a file can be written");
    }
    send(supervisor, Signal::SIGCONT);
    site.generation(2);
    settle();
    site.generation(2);
}

#[test]
fn editors_that_save_by_renaming_and_files_that_are_touched_count() {
    let site = Site::new();
    site.write("app.py", "1");
    site.kept(&["--reload-on", "*.py"], &site.server(&[]));
    site.write(".app.py.swp", "2");
    fs::rename(site.path(".app.py.swp"), site.path("app.py")).expect("a file can be renamed");
    site.generation(2);
    File::options()
        .write(true)
        .open(site.path("app.py"))
        .expect("the file")
        .set_modified(SystemTime::now())
        .expect("it is ours");
    site.generation(3);
    fs::remove_file(site.path("app.py")).expect("a file can be removed");
    site.generation(4);
    settle();
    site.generation(4);
}

#[test]
fn what_is_read_made_executable_ignored_or_excluded_does_not_count() {
    let site = Site::new();
    site.write(".gitignore", "build/\n*.tmp.py\n");
    site.write("src/.gitignore", "/local.py\n");
    for name in ["app.py", "notes.txt", "build/out.py", "src/local.py", "src/a.tmp.py", "tests/test.py", "a_test.py"] {
        site.write(name, "1");
    }
    let past = SystemTime::now() - Duration::from_mins(1);
    File::options().write(true).open(site.path("app.py")).expect("the file").set_modified(past).expect("it is ours");
    site.kept(&["--reload-on", "*.py", "--reload-on", "!tests", "--reload-on", "!*_test.py"], &site.server(&[]));
    for name in ["notes.txt", "build/out.py", "src/local.py", "src/a.tmp.py", "tests/test.py", "a_test.py", ".git/x.py"]
    {
        site.write(name, "2");
    }
    fs::read(site.path("app.py")).expect("a file can be read");
    let mut permissions = fs::metadata(site.path("app.py")).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(site.path("app.py"), permissions).expect("it is ours");
    settle();
    site.generation(1);
    site.write("src/app.py", "2");
    site.generation(2);
    // what is ignored no more counts from then on
    site.write(".gitignore", "*.tmp.py\n");
    settle();
    site.generation(2);
    site.write("build/out.py", "3");
    site.generation(3);
}

#[test]
fn folders_that_are_new_or_come_again_are_watched() {
    let site = Site::new();
    site.kept(&["--reload-on", "src/**/*.py"], &site.server(&[]));
    site.write("src/new/deep/app.py", "1");
    site.generation(2);
    settle();
    site.write("src/new/deep/app.py", "2");
    site.generation(3);
    fs::remove_dir_all(site.path("src")).expect("a folder can be removed");
    site.generation(4);
    settle();
    site.write("src/app.py", "1");
    site.generation(5);
    settle();
    site.write("src/app.py", "2");
    site.generation(6);
}

#[test]
fn the_server_s_own_log_does_not_count() {
    let site = Site::new();
    let command = scripted(r#"(while :; do echo tick; sleep 0.05; done) & exec "$@""#);
    // the count of the starts is no log
    let options = ["--reload-on", "**", "--reload-on", "!count", "--log", "server.log", "--log-max-size", "100"];
    site.kept(&options, &command);
    settle();
    site.generation(1);
}

#[test]
fn a_change_during_a_restart_makes_one_more() {
    let site = Site::new();
    site.write("app.py", "1");
    site.kept(&["--reload-on", "*.py"], &site.server(&["--delay", "400"]));
    site.write("app.py", "2");
    eventually("the second start", || site.started().len() == 2);
    site.write("app.py", "3");
    site.generation(3);
    settle();
    site.generation(3);
    assert_eq!(site.alive(), [site.started()[2]]);
}

#[test]
fn a_change_just_before_a_server_is_ready_is_not_lost() {
    let site = Site::new();
    site.write("app.py", "1");
    // it is ready within the time in which changes are collected
    let command = scripted(r#"[ $(wc -l < count) -eq 2 ] && echo 3 > app.py; exec "$@""#);
    site.kept(&["--reload-on", "*.py"], &command);
    site.write("app.py", "2");
    eventually("the second start", || site.started().len() == 2);
    eventually("the third start", || site.started().len() == 3);
    site.generation(3);
}

#[test]
fn a_stubborn_tree_is_gone_before_the_next_start() {
    let site = Site::new();
    site.write("app.py", "1");
    let options = ["--reload-on", "*.py", "--grace", "150ms"];
    site.kept(&options, &site.server(&["--ignore-term", "--forks", "2"]));
    let before = site.processes();
    site.write("app.py", "2");
    site.generation(2);
    let supervisor = site.supervisor();
    assert!(before.iter().filter(|&&one| one != supervisor).all(|one| !one.is_running().unwrap_or(true)));
    assert!(!site.logged().contains("cannot bind"), "{}", site.logged());
}

#[test]
fn a_version_that_does_not_come_up_is_shown_and_the_next_change_tries_again() {
    let site = Site::new();
    site.write("version", "good");
    let command = scripted(r#"grep -q bad version && { echo SyntaxError: bad version >&2; exit 1; }; exec "$@""#);
    let options = ["--reload-on", "version", "--max-restarts", "1/60s"];
    site.kept(&options, &command);
    site.write("version", "bad");
    eventually("an open breaker", || site.recorded("phase") == "broken");
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy), ("broken", false));
    assert!(
        entry.reason.as_ref().is_some_and(|why| why.contains("status 1; its log ends: SyntaxError: bad version")),
        "{entry:?}"
    );
    let output = site.keep(&options, &command).status(5).run();
    assert!(output.stderr.contains("\n  SyntaxError: bad version\n"), "{}", output.stderr);
    let tries = site.started().len();
    assert_eq!(tries, 3);
    site.write("version", "still bad");
    eventually("another try", || site.started().len() == tries + 2 && site.recorded("phase") == "broken");
    site.write("version", "good again");
    site.generation(tries + 3);
    assert!(site.entry().healthy);
}

#[test]
fn a_file_that_the_server_changes_itself_is_waited_for_and_named() {
    let site = Site::new();
    site.write("app.py", "1");
    // a server that keeps its data beside its source
    let command = scripted(r#"echo "$$" > data.py; exec "$@""#);
    site.kept(&["--reload-on", "*.py"], &command);
    let said = "data.py changes each time the server starts: exclude it with '!data.py'; starting again in ";
    eventually("a brake", || site.logged().contains(said));
    eventually("its reason", || {
        site.recorded("reason").as_str().is_some_and(|reason| reason.ends_with("exclude it with '!data.py'"))
    });
    // an edit of another file is no less welcome
    let before = site.started().len();
    site.write("app.py", "2");
    eventually("a reload", || site.started().len() > before);
    assert!(site.started().len() <= 8, "{}", site.logged());
}
