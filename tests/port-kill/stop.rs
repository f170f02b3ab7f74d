//! The library without ports: processes and trees.

use std::time::Duration;

use port_kill::{Outcome, Role, StopOptions, Stopped, stop};
use proc_tree::{
    Identity,
    process::{self, StartTime},
};

use super::quiet_address;
use crate::support::{Fixture, eventually, runs};

fn identity(pid: u32) -> Identity {
    Identity::of(pid).expect("it can be seen").expect("it runs")
}

fn started(pid: u32) -> StartTime {
    process::stat(pid).expect("it can be seen").expect("it runs").started
}

fn outcomes(stopped: &[Stopped]) -> Vec<(u32, Role, Outcome)> {
    stopped.iter().map(|one| (one.identity.pid, one.role, one.outcome)).collect()
}

#[test]
fn processes_end_and_each_has_its_outcome() {
    let server = Fixture::start(["serve", &quiet_address()]);
    let runs = identity(server.pid());
    let gone = Identity { start_id: runs.start_id - 1, ..runs };
    let stopped = stop(&[runs, gone], &StopOptions::default(), None).expect("it can be waited for");
    assert_eq!(
        outcomes(&stopped),
        [(server.pid(), Role::Holder, Outcome::Terminated), (server.pid(), Role::Holder, Outcome::Gone)]
    );
}

#[test]
fn a_tree_ends_with_its_root() {
    let server = Fixture::start(["family", &quiet_address()]);
    let options = StopOptions { tree: true, ..StopOptions::default() };
    let stopped = stop(&[identity(server.pid())], &options, None).expect("it can be waited for");
    assert_eq!(stopped.len(), 3);
    assert!(stopped.iter().all(|one| one.outcome == Outcome::Terminated && one.root.pid == server.pid()));
    assert!(server.pids().into_iter().all(|pid| !runs(pid)));
}

#[test]
fn an_orphan_in_the_session_that_the_root_leads_belongs_to_it_where_that_is_said() {
    for session in [false, true] {
        let server = Fixture::start(["daemon", &quiet_address()]);
        let orphan = server.said_pids()[0];
        // what is born within the same clock tick could be of this call's making
        eventually("another tick", || StartTime::now() > started(orphan));
        let options = StopOptions { tree: true, session, ..StopOptions::default() };
        let stopped = stop(&[identity(server.pid())], &options, None).expect("it can be waited for");
        assert_eq!(stopped.iter().any(|one| one.identity.pid == orphan), session, "{stopped:?}");
        assert_eq!(runs(orphan), !session);
    }
}

#[test]
fn the_caller_and_its_ancestors_are_refused() {
    let parent = std::os::unix::process::parent_id();
    let refused = [identity(std::process::id()), identity(parent)];
    let stopped =
        stop(&refused, &StopOptions { tree: true, ..StopOptions::default() }, None).expect("they can be looked at");
    assert!(stopped.iter().all(|one| one.outcome == Outcome::Refused && one.signal.is_none()), "{stopped:?}");
}

#[test]
fn what_becomes_readable_ends_the_wait() {
    let server = Fixture::start(["serve", "--ignore-term", &quiet_address()]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(writer);
    let options = StopOptions { grace: Duration::from_mins(1), ..StopOptions::default() };
    let interrupt = Some(std::os::fd::AsFd::as_fd(&reader));
    let stopped = stop(&[identity(server.pid())], &options, interrupt).expect("it can be waited for");
    assert_eq!(outcomes(&stopped), [(server.pid(), Role::Holder, Outcome::Survived)]);
    assert!(runs(server.pid()));
}
