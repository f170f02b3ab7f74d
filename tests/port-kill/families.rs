//! Holders that are more than one process: masters and workers, parents and descendants.

use std::{os::unix::process::CommandExt, process::Command, thread, time::Duration};

use super::{Said, free, is_free, port_kill, quiet_address, without_figures};
use crate::support::{Fixture, eventually, fixture_path, free_port, runs};

/// Counts the running processes of a family by a word on their command lines that nobody else has.
fn count(mark: &str) -> usize {
    let is_one = |pid: &u32| {
        let words = proc_tree::process::command(*pid).ok().flatten().unwrap_or_default();
        words.iter().any(|word| word == mark) && runs(*pid)
    };
    proc_tree::process::all().expect("the table can be read").iter().filter(|pid| is_one(pid)).count()
}

#[test]
fn no_worker_is_left_of_a_master_that_replaces_its_workers() {
    let master = Fixture::start(["prefork", "mark-prefork", &quiet_address()]);
    let said = free(&master, &[]);
    assert_eq!(said.processes[0].pid, Some(master.pid()), "the master goes first");
    assert!(master.pids().iter().all(|pid| said.pids().contains(pid)), "{said:?}");
    assert_eq!(count("mark-prefork"), 0);
}

#[test]
fn no_worker_is_left_of_a_master_that_replaces_its_workers_and_ignores_the_signal() {
    let master = Fixture::start(["prefork", "--ignore-term", "mark-stubborn", &quiet_address()]);
    let said = free(&master, &["--grace", "200ms"]);
    assert_eq!(said.outcome(master.pid()), "killed");
    assert!(said.processes.len() > master.pids().len(), "the replacements are among them: {said:?}");
    assert_eq!(count("mark-stubborn"), 0);
}

#[test]
fn descendants_that_outlive_their_server_are_named_with_their_memory_and_a_hint() {
    let server = Fixture::start(["family", &quiet_address()]);
    let (port, pids) = (server.port(), server.said_pids());
    let (child, grandchild) = (pids[0], pids[1]);
    let output = port_kill()
        .arg(port.to_string())
        .any_stdout()
        .stderr(format!(
            "hint: 2 descendants are left: kill {child} {grandchild}; --tree stops descendants with their server\n"
        ))
        .run();
    assert_eq!(
        without_figures(&output.stdout),
        format!(
            "{port} terminated fixture ({}, SIZE) SIGTERM, TIME\n\
             {port} survived fixture ({child}, SIZE) its server ended\n\
             {port} survived fixture ({grandchild}, SIZE) its server ended\n\
             freed {port}: 1 process, SIZE\n",
            server.pid()
        )
    );
    assert!(runs(child) && runs(grandchild));
}

#[test]
fn a_descendant_that_is_about_to_end_with_its_server_is_not_called_left_behind() {
    let server = Fixture::start(["followers", &quiet_address()]);
    let follower = server.said_pids()[0];
    let said = free(&server, &[]);
    assert_eq!(said.pids(), [server.pid()], "{said:?}");
    assert!(!runs(follower));
}

#[test]
fn a_tree_ends_with_its_server() {
    let server = Fixture::start(["family", &quiet_address()]);
    let said = free(&server, &["--tree"]);
    assert_eq!(said.pids(), server.pids());
    for process in &said.processes {
        let role = if process.pid == Some(server.pid()) { "holder" } else { "descendant" };
        assert_eq!((process.role.as_str(), process.outcome.as_str()), (role, "terminated"));
    }
    assert!(server.pids().into_iter().all(|pid| !runs(pid)));
}

#[test]
fn a_tree_is_rehearsed_with_its_descendants() {
    let server = Fixture::start(["family", &quiet_address()]);
    let output = port_kill().args(["--tree", "-n", "--json", &server.port().to_string()]).any_stdout().run();
    let said = Said::by(&output);
    assert_eq!(said.pids(), server.pids());
    assert!(said.processes.iter().all(|process| process.outcome == "would-signal"));
    assert!(server.pids().into_iter().all(runs));
}

#[test]
fn a_tree_that_forks_while_it_is_stopped_ends_to_the_last_process_and_a_bystander_does_not() {
    let bystander = Fixture::start(["family", &quiet_address()]);
    for (mark, flags, grace, leads) in [
        ("mark-storm", &[][..], "5s", false),
        ("mark-fury", &["--ignore-term"], "300ms", false),
        // as a job of an interactive shell, which is not halted: the shell would say that it was
        ("mark-job", &[], "5s", true),
        ("mark-angry-job", &["--ignore-term"], "300ms", true),
    ] {
        let mut words = vec!["storm"];
        words.extend(flags);
        let address = quiet_address();
        words.extend([mark, &address]);
        let mut command = Command::new(fixture_path());
        command.args(words);
        if leads {
            command.process_group(0);
        }
        let server = Fixture::spawn(command);
        eventually("a storm", || count(mark) > 8);
        free(&server, &["--tree", "--grace", grace]);
        assert_eq!(count(mark), 0, "{mark}");
        // whatever was on its way would have shown up by now
        thread::sleep(Duration::from_millis(50));
        assert_eq!(count(mark), 0, "{mark}");
    }
    assert!(bystander.pids().into_iter().all(runs));
}

#[test]
fn a_supervisor_is_stopped_instead_of_its_server_and_does_not_start_it_again() {
    let port = free_port().to_string();
    let supervisor = Fixture::named("ensure-up", ["--supervise", &port, &format!("127.0.0.1:{port}")]);
    let server = supervisor.said_pids()[0];
    let said = free(&supervisor, &["--settle", "200ms"]);
    let roles = |pid| {
        let process = said.process(pid);
        (process.role.clone(), process.outcome.clone(), process.signal.clone(), process.reason.clone())
    };
    let text = |text: &str| text.to_owned();
    assert_eq!(roles(supervisor.pid()), (text("supervisor"), text("terminated"), Some(text("SIGTERM")), None));
    let reason = Some(text("its supervisor stopped it"));
    assert_eq!(roles(server), (text("holder"), text("terminated"), None, reason));
    assert!(is_free(supervisor.port()) && !runs(server));
}

#[test]
fn a_supervisor_is_killed_with_its_server_where_that_is_asked_for() {
    let port = free_port().to_string();
    let supervisor = Fixture::named("ensure-up", ["--supervise", &port, &format!("127.0.0.1:{port}")]);
    let said = free(&supervisor, &["--force", "--tree", "--settle", "100ms"]);
    assert!(said.processes.iter().all(|process| process.outcome == "killed"), "{said:?}");
    assert!(supervisor.pids().into_iter().all(|pid| !runs(pid)));
}

#[test]
fn a_supervisor_that_cannot_be_asked_to_stop_is_named_with_what_would_stop_it() {
    let supervisor = Fixture::named("nodemon", ["respawn", &quiet_address()]);
    let output =
        port_kill().args(["--settle", "20s", &supervisor.port().to_string()]).status(1).any_stdout().any_stderr().run();
    let pid = supervisor.pid();
    assert!(output.stderr.contains(&format!("took it again, started by nodemon ({pid})\n")), "{}", output.stderr);
    let hint = format!("hint: nodemon ({pid}) may start it again: kill {pid}\n");
    assert_eq!(output.stderr.matches(&hint).count(), 1, "{}", output.stderr);
}
