//! The guard against real processes: children of this test, some of which were asked for and some are strangers.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use port_who::{PortSpec, Protocol, Query, sockets};
use proc_tree::{Handle, RunState, Signal};

use super::*;
use crate::{
    outcome::Role,
    stop::{process::OpenProcess, run::StopRun, stop},
};

/// A child of the test, ended with its descendants when dropped.
struct Started(Child);

impl Started {
    fn command(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program runs"))
    }

    fn sleeper() -> Self {
        Self::command(Command::new("sleep").arg("60"))
    }

    /// A shell with a child.
    fn family() -> Self {
        let family = Self::command(Command::new("sh").args(["-c", "sleep 60 & wait"]));
        eventually(|| !family.descendants().is_empty() && family.descendants()[0].name == "sleep");
        family
    }

    /// A shell that leads a process group, with a child, and with a descendant in the group that has lost its parent.
    fn family_with_orphan() -> (Self, Orphan) {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sh -c 'sleep 60 >&- & echo $!'; sleep 60 & wait"]).process_group(0);
        let mut family = Self::command(shell.stdout(Stdio::piped()));
        let mut pid = String::new();
        let output = family.0.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut pid).expect("it can be read");
        let orphan = || process::stat(pid.trim().parse().expect("a PID")).expect("it can be seen").expect("it runs");
        let named = |stats: &[Stat], name| stats.iter().any(|stat| stat.name == name);
        eventually(|| orphan().name == "sleep" && named(&family.descendants(), "sleep"));
        eventually(|| {
            process::stat(orphan().parent)
                .is_ok_and(|parent| parent.is_some_and(|parent| parent.group != orphan().group))
        });
        (family, Orphan(orphan()))
    }

    fn stat(&self) -> Stat {
        process::stat(self.0.id()).expect("it can be seen").expect("it was not reaped")
    }

    fn identity(&self) -> Identity {
        self.stat().identity()
    }

    fn descendants(&self) -> Vec<Stat> {
        tree::members(self.0.id()).expect("it can be seen").split_off(1)
    }

    fn runs(&self) -> bool {
        !self.stat().has_ended()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        for stat in tree::members(self.0.id()).unwrap_or_default().iter().rev() {
            end(stat.identity());
        }
        let _ = self.0.wait();
    }
}

/// A process that is nobody's child any more, ended when dropped.
struct Orphan(Stat);

impl Drop for Orphan {
    fn drop(&mut self) {
        end(self.0.identity());
    }
}

fn end(process: Identity) {
    if let Ok(Some(handle)) = Handle::open(process) {
        let _ = handle.signal(Signal::KILL);
    }
}

fn eventually(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "it takes too long");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn options(tree: bool) -> StopOptions {
    StopOptions { tree, grace: Duration::from_secs(2), ..StopOptions::default() }
}

fn guard(tree: bool) -> Guard {
    Guard::new(&options(tree)).expect("the ancestors can be seen")
}

fn outcome(guard: &mut Guard, process: Identity) -> Option<Outcome> {
    guard.permit(process).err().map(|withheld| withheld.outcome)
}

#[test]
fn of_a_list_with_strangers_in_it_only_those_are_signalled_that_were_asked_for() {
    for tree in [false, true] {
        let (family, strangers) = (Started::family(), [Started::sleeper(), Started::family()]);
        let (root, child) = (family.stat(), family.descendants().remove(0));
        let mut run = StopRun::new(&options(tree), None).expect("the ancestors can be seen");
        run.add(&root, Role::Holder, Claim::Named);
        run.add_descendant(&child, root.identity());
        let listed: Vec<Stat> =
            strangers.iter().flat_map(|one| [vec![one.stat()], one.descendants()].concat()).collect();
        assert_eq!(listed.len(), 3);
        for stranger in &listed {
            run.add_descendant(stranger, root.identity());
        }
        run.run().expect("they can be waited for");
        let outcomes = run.outcomes();
        let outcome = |identity| outcomes.iter().find(|one| one.identity == identity).map(|one| one.outcome);
        assert_eq!(outcome(root.identity()), Some(Outcome::Terminated));
        let expected = if tree { Outcome::Terminated } else { Outcome::Refused };
        assert_eq!(outcome(child.identity()), Some(expected), "a descendant, where trees are stopped");
        for stranger in &listed {
            assert_eq!(outcome(stranger.identity()), Some(Outcome::Refused), "{stranger:?}");
            let now = process::stat(stranger.pid).expect("it can be seen").expect("it runs");
            assert!(now.identity() == stranger.identity() && !now.state.is_halted() && !now.state.is_over(), "{now:?}");
        }
        assert!(strangers.iter().all(Started::runs) && !family.runs());
        end(child.identity());
    }
}

#[test]
fn a_process_with_another_start_is_not_the_one_that_was_asked_for() {
    let sleeper = Started::sleeper();
    let Identity { pid, start_id } = sleeper.identity();
    for start_id in [start_id + 1, start_id - 1, u64::MAX] {
        let wrong = Identity { pid, start_id };
        for tree in [false, true] {
            let mut guard = guard(tree);
            guard.claim(wrong, Claim::Named);
            assert_eq!(outcome(&mut guard, wrong), Some(Outcome::Gone));
            assert_eq!(outcome(&mut guard, sleeper.identity()), Some(Outcome::Refused), "nobody asked for this one");
            let stopped = stop(&[wrong], &options(tree), None).expect("it can be looked at");
            assert_eq!((stopped[0].outcome, stopped[0].signal), (Outcome::Gone, None));
        }
        // a list that was drawn up from what was read of another process
        let mut run = StopRun::new(&options(false), None).expect("the ancestors can be seen");
        run.add(&Stat { start_id, ..sleeper.stat() }, Role::Holder, Claim::Named);
        run.run().expect("it can be waited for");
        assert_eq!(run.outcomes()[0].outcome, Outcome::Gone);
    }
    assert!(sleeper.runs());
}

#[test]
fn a_holder_must_hold_the_socket_and_need_not_once_it_was_permitted() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let ports = vec![PortSpec::port(port)];
    let held = sockets(&Query::holders_of(ports)).expect("the table is there");
    let input: OwnedFd = listener.try_clone().expect("it can be duplicated").into();
    let holder = Started::command(Command::new("sleep").arg("60").stdin(Stdio::from(input)));
    let stranger = Started::sleeper();
    let mut guard = guard(false);
    for one in [&holder, &stranger] {
        guard.claim(one.identity(), Claim::Holds(held.clone()));
    }
    assert_eq!(outcome(&mut guard, holder.identity()), None);
    assert_eq!(outcome(&mut guard, stranger.identity()), Some(Outcome::Gone));
    // as if it had closed it since
    guard.claims.insert(holder.identity(), Claim::Holds(Vec::new()));
    assert_eq!(outcome(&mut guard, holder.identity()), None, "once is enough");
    guard.permitted.clear();
    assert_eq!(outcome(&mut guard, holder.identity()), Some(Outcome::Gone));
}

#[test]
fn a_holder_that_cannot_be_looked_at_is_denied_unless_it_is_on_its_way_out() {
    for (held, is_ending, outcome) in [
        (Some(true), false, None),
        (Some(true), true, None),
        (Some(false), false, Some(Outcome::Gone)),
        (Some(false), true, Some(Outcome::Gone)),
        (None, false, Some(Outcome::Denied)),
        (None, true, None),
    ] {
        let case = format!("{held:?}, {is_ending}");
        assert_eq!(still_holds(held, || is_ending).err().map(|withheld| withheld.outcome), outcome, "{case}");
    }
}

#[test]
fn a_descendant_that_lost_its_parent_belongs_where_the_guard_itself_had_read_whose_child_it_was() {
    for (is_asked_for, is_read) in [(true, false), (true, true), (false, true)] {
        let mut family = Started::family();
        let (root, child) = (family.stat(), family.descendants().remove(0));
        let mut guard = guard(true);
        if is_asked_for {
            guard.claim(root.identity(), Claim::Named);
        }
        assert_eq!(outcome(&mut guard, root.identity()).is_none(), is_asked_for);
        if is_read {
            assert_eq!(guard.children(&root).expect("they can be read").len(), 1);
        }
        end(root.identity());
        family.0.wait().expect("it is ours");
        let expected = if is_asked_for && is_read { None } else { Some(Outcome::Refused) };
        assert_eq!(outcome(&mut guard, child.identity()), expected);
        end(child.identity());
    }
}

#[test]
fn a_supervisor_must_keep_the_server_up_and_its_other_children_are_none_of_it() {
    let (family, stranger) = (Started::family(), Started::sleeper());
    let server = family.descendants()[0].identity();
    let mut guard = guard(true);
    for one in [&family, &stranger] {
        guard.claim(one.identity(), Claim::Supervises(server));
    }
    assert_eq!(outcome(&mut guard, family.identity()), None);
    assert_eq!(outcome(&mut guard, stranger.identity()), Some(Outcome::Refused));
    assert_eq!(outcome(&mut guard, server), Some(Outcome::Refused), "it was not claimed itself");
    guard.claim(server, Claim::KeepsUp((8000, Protocol::Tcp)));
    assert_eq!(outcome(&mut guard, server), Some(Outcome::Refused), "it is no supervisor");
}

#[test]
fn what_was_halted_goes_on_when_it_is_let_go_whatever_happened() {
    let sleeper = Started::sleeper();
    let state = || sleeper.stat().state;
    let mut guard = guard(false);
    guard.claim(sleeper.identity(), Claim::Named);
    let permit = guard.permit(sleeper.identity()).expect("it was asked for");
    let open = || OpenProcess::open(&sleeper.stat(), true).expect("it can be opened").expect("it runs");
    let mut halted = open();
    halted.halt(&permit);
    eventually(|| state() == RunState::Stopped);
    // one that somebody else halted stays so
    drop(open());
    assert_eq!(state(), RunState::Stopped);
    drop(halted);
    eventually(|| state() != RunState::Stopped);
    // and one that is meant to stand still
    let mut stopped = open();
    assert!(stopped.signal(&permit, Signal::STOP).expect("it may be signalled"));
    drop(stopped);
    eventually(|| state() == RunState::Stopped);
}

#[test]
fn a_permit_is_for_one_process() {
    let (asked, other) = (Started::sleeper(), Started::sleeper());
    let mut guard = guard(false);
    guard.claim(asked.identity(), Claim::Named);
    let permit = guard.permit(asked.identity()).expect("it was asked for");
    let mut other_open = OpenProcess::open(&other.stat(), true).expect("it can be opened").expect("it runs");
    other_open.halt(&permit);
    assert!(!other_open.is_halted() && other_open.signal(&permit, Signal::KILL).is_err());
    assert!(other.runs() && other.stat().state != RunState::Stopped);
}

#[test]
fn whoever_asks_is_never_signalled_nor_those_above() {
    let own = process::stat(std::process::id()).expect("it can be seen").expect("it runs");
    // whoever is the first process of a namespace has nobody above
    let above = process::stat(own.parent).ok().flatten();
    let mut guard = guard(true);
    for one in above.iter().chain([&own]).map(Stat::identity) {
        guard.claim(one, Claim::Named);
        assert!(guard.refusal(one).is_some(), "{one:?}");
        assert_eq!(outcome(&mut guard, one), Some(Outcome::Refused));
    }
}

#[test]
fn young_is_who_was_born_less_than_a_second_before_the_stop_began() {
    let second = if cfg!(target_os = "linux") { 100 } else { 1_000_000 };
    let (guard, own) = (guard(false), process::stat(std::process::id()).expect("it can be seen").expect("it runs"));
    let begun = guard.begun.0;
    for (started, expected) in [
        (begun - 60 * second, false),
        (begun - second, false),
        (begun - second + second / 10, true),
        (begun, true),
        (begun + second, true),
    ] {
        let stat = Stat { started: StartTime(started), ..own.clone() };
        assert_eq!(guard.is_young(&stat), expected, "{} of {second}", begun.wrapping_sub(started));
    }
}

#[test]
fn the_descendants_are_those_of_that_very_process() {
    let family = Started::family();
    let (root, child) = (family.stat(), family.descendants().remove(0));
    let mut guard = guard(true);
    let pids =
        |stats: io::Result<Vec<Stat>>| stats.expect("they can be read").iter().map(|stat| stat.pid).collect::<Vec<_>>();
    assert_eq!(pids(guard.descendants(&root)), [child.pid]);
    assert_eq!(guard.parents.get(&child.identity()), Some(&root.identity()));
    assert!(pids(guard.descendants(&Stat { start_id: root.start_id + 1, ..root })).is_empty());
}

#[test]
fn an_orphan_belongs_to_a_leader_that_was_asked_for_and_to_no_other_of_its_pid() {
    let (family, Orphan(orphan)) = &Started::family_with_orphan();
    let (leader, reapers) = (family.identity(), [orphan.parent]);
    let of_leader = |guard: &Guard| {
        let orphans = guard.orphans(&reapers).expect("they can be read");
        orphans.into_iter().filter(|(_, of)| *of == leader).map(|(stat, _)| stat.pid).collect::<Vec<_>>()
    };
    let mut guard = guard(true);
    guard.begun = orphan.started;
    assert_eq!((outcome(&mut guard, orphan.identity()), of_leader(&guard)), (Some(Outcome::Refused), vec![]));
    guard.claim(leader, Claim::Named);
    assert_eq!((outcome(&mut guard, leader), &guard.leaders[..]), (None, &[leader][..]));
    assert_eq!(of_leader(&guard), [orphan.pid]);
    // of another process that had the leader's PID
    guard.leaders = vec![Identity { start_id: leader.start_id + 1, ..leader }];
    assert_eq!(outcome(&mut guard, orphan.identity()), Some(Outcome::Refused));
    guard.leaders = vec![leader];
    // as old as the tree, it may have been its reaper's from the beginning
    guard.begun = StartTime(orphan.started.0 + 1);
    assert_eq!(outcome(&mut guard, orphan.identity()), Some(Outcome::Refused));
    guard.begun = orphan.started;
    assert_eq!(outcome(&mut guard, orphan.identity()), None);
}

#[test]
fn who_leads_no_group_and_who_only_supervises_takes_no_orphans() {
    let (sleeper, (family, _orphan)) = (Started::sleeper(), Started::family_with_orphan());
    let server = family.descendants()[0].identity();
    let mut guard = guard(true);
    guard.claim(sleeper.identity(), Claim::Named);
    guard.claim(family.identity(), Claim::Supervises(server));
    for one in [&sleeper, &family] {
        assert_eq!(outcome(&mut guard, one.identity()), None);
    }
    assert!(guard.leaders.is_empty(), "{:?}", guard.leaders);
}
