//! The judgement, over every combination of evidence.

use std::{path::PathBuf, time::SystemTime};

use port_who::{Protocol, Socket, State};

use super::*;
use crate::{
    Port, ServiceSpec,
    server::{asker::Asker, fingerprint, folder::StateFolder, seen::Seen, started::Variables, stranger::Stranger},
    service::id::ServiceId,
};

const ROOT: Identity = Identity { pid: 100, start_id: 1000 };

/// What ties a holder to a server that is known to have been started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tie {
    IsRoot,
    Descends,
    FoundInTree,
    InSession,
    InSessionOfReusedPid,
    None,
}

const TIES: [Tie; 6] =
    [Tie::IsRoot, Tie::Descends, Tie::FoundInTree, Tie::InSession, Tie::InSessionOfReusedPid, Tie::None];

/// What the holder carries in its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marked {
    AsOurs,
    AsOursOnItsParent,
    AsAnother,
    AsAnotherOnAnotherPort,
    ByAnotherUser,
    Not,
}

const MARKS: [Marked; 6] = [
    Marked::AsOurs,
    Marked::AsOursOnItsParent,
    Marked::AsAnother,
    Marked::AsAnotherOnAnotherPort,
    Marked::ByAnotherUser,
    Marked::Not,
];

/// Who runs the command that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    Holder,
    Ancestor,
    InOtherFolder,
    OtherCommand,
}

const RUNS: [Runs; 4] = [Runs::Holder, Runs::Ancestor, Runs::InOtherFolder, Runs::OtherCommand];

/// Where the holder's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logs {
    ToOurs,
    ToThatOfTheKnown,
    Elsewhere,
}

const LOGS: [Logs; 3] = [Logs::ToOurs, Logs::ToThatOfTheKnown, Logs::Elsewhere];

fn user() -> u32 {
    Asker::default().user
}

fn process(pid: u32, session: u32, start_id: u64, command: &str) -> Facts {
    Facts {
        pid,
        start_id,
        ppid: 1,
        session,
        name: "server".into(),
        command: Some(command.split(' ').map(str::to_owned).collect()),
        executable: None,
        cwd: Some("/site".into()),
        uid: Some(user()),
        started_at: SystemTime::UNIX_EPOCH,
    }
}

fn seen(facts: Facts) -> Seen {
    Seen { facts, environment: Some(Vec::new()), mark: None, outputs: Vec::new() }
}

fn holding(process: Option<Facts>) -> Holding {
    let socket = Socket {
        protocol: Protocol::Tcp,
        local: "127.0.0.1:8000".parse().expect("an address"),
        peer: None,
        state: State::Listen,
        inode: 1,
        uid: Some(user()),
        v6only: None,
        netns: None,
    };
    Holding { socket: Some(socket), process }
}

/// The service that is asked for, and its server as asked.
fn service(pattern: Option<&str>) -> Service {
    let spec = ServiceSpec {
        command: vec!["serve".into(), "{port}".into()],
        matching: pattern.map(|pattern| pattern.parse().expect("a pattern")),
        ..ServiceSpec::default()
    };
    let ports = Some("8000".parse().expect("a port"));
    let id = ServiceId { folder: "/site".into(), name: None };
    Service { spec, id, ports, cwd: "/site".into(), environment: Vec::new() }
}

fn ours() -> Started {
    Started::of(&service(None), Some(Port::tcp(8000)))
}

fn other(port: u16) -> Started {
    let port = Some(Port::tcp(port));
    Started { service: ServiceId { folder: "/shop".into(), name: Some("shop".into()) }, port, command: 1, ..ours() }
}

fn mark(started: Started) -> Mark {
    Mark { started, state: "/state".into() }
}

fn holder(tie: Tie, marked: Marked, runs: Runs, logs: Logs) -> Holder {
    let (pid, session, start_id) = match tie {
        Tie::IsRoot => (ROOT.pid, ROOT.pid, ROOT.start_id),
        Tie::InSession | Tie::InSessionOfReusedPid => (200, ROOT.pid, 2000),
        Tie::Descends | Tie::FoundInTree | Tie::None => (200, 200, 2000),
    };
    let command = if matches!(runs, Runs::Ancestor | Runs::OtherCommand) { "other" } else { "serve 8000" };
    let mut itself = seen(process(pid, session, start_id, command));
    if runs == Runs::InOtherFolder {
        itself.facts.cwd = Some("/elsewhere".into());
    }
    itself.outputs = match logs {
        Logs::ToOurs => vec!["/state/8000-aaaaaaaa.log.1".into()],
        Logs::ToThatOfTheKnown => vec!["/var/log/known.log".into()],
        Logs::Elsewhere => vec!["/dev/null".into()],
    };
    let mut parent = seen(process(50, 50, 10, if runs == Runs::Ancestor { "serve 8000" } else { "shell" }));
    match marked {
        Marked::AsOurs => itself.mark = Some(mark(ours())),
        Marked::AsOursOnItsParent => parent.mark = Some(mark(ours())),
        Marked::AsAnother => itself.mark = Some(mark(other(8000))),
        Marked::AsAnotherOnAnotherPort => itself.mark = Some(mark(other(9000))),
        Marked::ByAnotherUser => {
            itself.facts.uid = Some(user() + 5000);
            itself.mark = Some(mark(ours()));
        }
        Marked::Not => {}
    }
    let holding = holding(Some(itself.facts.clone()));
    let mut line = vec![itself, parent];
    if tie == Tie::Descends {
        line.push(seen(process(ROOT.pid, ROOT.pid, ROOT.start_id, "wrapper")));
    }
    Holder { holding, root: (tie == Tie::FoundInTree).then_some(ROOT), line }
}

fn evidence(holders: Vec<Holder>, known: Started, is_reused: bool) -> Evidence {
    let roots = vec![Root { identity: ROOT, is_reused }];
    Evidence {
        port: Some(Port::tcp(8000)),
        asker: Asker::default(),
        command: service(None).command(Some(Port::tcp(8000))),
        holders,
        known: vec![Known { started: known, roots, log: Some("/var/log/known.log".into()) }],
        files: Some(PathBuf::from("/state/8000-aaaaaaaa.")),
        was_there: true,
        answers: None,
    }
}

/// What is expected, from the strongest evidence to the weakest.
#[derive(Debug, PartialEq)]
enum Expected {
    Ours,
    Another,
    Pattern,
    Command,
    Answer,
    Foreign,
}

struct Case {
    tie: Tie,
    marked: Marked,
    runs: Runs,
    logs: Logs,
    pattern: Option<&'static str>,
    answers: Option<bool>,
    was_there: bool,
    known_is_ours: bool,
}

fn expected(case: &Case) -> Expected {
    let known = if case.known_is_ours { Expected::Ours } else { Expected::Another };
    if ![Tie::InSessionOfReusedPid, Tie::None].contains(&case.tie) {
        return known;
    }
    if !case.was_there {
        return Expected::Foreign;
    }
    let is_own_user = case.marked != Marked::ByAnotherUser;
    match case.marked {
        Marked::AsOurs | Marked::AsOursOnItsParent => return Expected::Ours,
        Marked::AsAnother => return Expected::Another,
        _ if case.logs == Logs::ToThatOfTheKnown => return known,
        _ if case.logs == Logs::ToOurs && is_own_user => return Expected::Ours,
        _ => {}
    }
    match case.pattern {
        Some(pattern) if pattern != "^nothing" => return Expected::Pattern,
        _ => {}
    }
    match case.runs {
        Runs::Holder if is_own_user => Expected::Command,
        Runs::Ancestor => Expected::Command,
        _ if case.answers == Some(true) => Expected::Answer,
        _ if case.marked == Marked::AsAnotherOnAnotherPort => Expected::Another,
        _ => Expected::Foreign,
    }
}

fn is_as_expected(whose: &Whose, case: &Case) -> bool {
    let known = if case.known_is_ours { ours() } else { other(8000) };
    let seen = evidence(
        vec![holder(case.tie, case.marked, case.runs, case.logs)],
        known,
        case.tie == Tie::InSessionOfReusedPid,
    );
    assert_eq!(whose.holdings(), [seen.holders[0].holding.clone()]);
    let kind = match whose {
        Whose::Ours(..) => Expected::Ours,
        Whose::Another(_, started) => {
            assert_eq!(started.title(), "shop (folder /shop)");
            Expected::Another
        }
        Whose::Matching(_, By::Pattern(_)) => Expected::Pattern,
        Whose::Matching(_, By::Command) => Expected::Command,
        Whose::Matching(_, By::Answer) => Expected::Answer,
        Whose::Foreign(..) => Expected::Foreign,
        _ => return false,
    };
    kind == expected(case)
}

#[test]
fn the_strongest_evidence_decides_in_every_combination() {
    let services = [None, Some("^(serve|other)"), Some("^nothing")].map(|pattern| (pattern, service(pattern)));
    for tie in TIES {
        for marked in MARKS {
            for runs in RUNS {
                for logs in LOGS {
                    for (pattern, service) in &services {
                        for answers in [None, Some(false), Some(true)] {
                            for bits in 0..4 {
                                let (was_there, known_is_ours) = (bits & 1 != 0, bits & 2 != 0);
                                let case = Case {
                                    tie,
                                    marked,
                                    runs,
                                    logs,
                                    pattern: *pattern,
                                    answers,
                                    was_there,
                                    known_is_ours,
                                };
                                let known = if known_is_ours { ours() } else { other(8000) };
                                let all = vec![holder(tie, marked, runs, logs)];
                                let seen = evidence(all, known, tie == Tie::InSessionOfReusedPid);
                                let whose = judge(&Evidence { was_there, answers, ..seen }, service);
                                let case_text = format!(
                                    "{tie:?} {marked:?} {runs:?} {logs:?} {pattern:?} {answers:?} {was_there} {known_is_ours}"
                                );
                                assert!(is_as_expected(&whose, &case), "{case_text}: {whose:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_port_that_nobody_holds_is_nobodys_whatever_else_was_seen() {
    for answers in [None, Some(true)] {
        let seen = Evidence { answers, ..evidence(Vec::new(), ours(), false) };
        assert_eq!(judge(&seen, &service(Some(""))), Whose::Nobody);
    }
}

#[test]
fn an_owner_that_is_not_visible_is_foreign_unless_its_answer_is_known() {
    let unseen = || vec![Holder { holding: holding(None), root: None, line: Vec::new() }];
    for (answers, is_known) in [(None, false), (Some(false), false), (Some(true), true)] {
        let seen = Evidence { answers, ..evidence(unseen(), ours(), false) };
        match judge(&seen, &service(Some(""))) {
            Whose::Matching(_, by) => assert!(is_known && by == By::Answer),
            Whose::Foreign(holdings, _) => assert!(!is_known && holdings == [holding(None)]),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn of_several_holders_those_count_that_the_strongest_evidence_is_about() {
    let all = vec![
        holder(Tie::None, Marked::Not, Runs::OtherCommand, Logs::Elsewhere),
        holder(Tie::None, Marked::Not, Runs::Holder, Logs::Elsewhere),
        holder(Tie::InSession, Marked::Not, Runs::OtherCommand, Logs::Elsewhere),
    ];
    let one = |position: usize| vec![all[position].holding.clone()];
    assert_eq!(judge(&evidence(all.clone(), ours(), false), &service(None)), Whose::Ours(one(2), Vec::new()));
    let without_ours = evidence(all[..2].to_vec(), ours(), false);
    assert_eq!(judge(&without_ours, &service(None)), Whose::Matching(one(1), By::Command));
    let Whose::Foreign(strangers, differs) = judge(&evidence(vec![all[0].clone(); 2], ours(), false), &service(None))
    else {
        panic!("strangers are foreign")
    };
    assert_eq!((strangers.len(), differs), (2, vec![Part::Command]));
}

#[test]
fn a_server_of_ours_that_is_not_as_asked_says_what_differs() {
    let set = Variables::from([("DATABASE".into(), fingerprint::of([&b"test"[..]]))]);
    let known = Started { environment: set, ..ours() };
    for marked in [Marked::Not, Marked::AsOurs] {
        let all = vec![holder(Tie::Descends, marked, Runs::OtherCommand, Logs::Elsewhere)];
        let Whose::Ours(_, differs) = judge(&evidence(all, known.clone(), false), &service(None)) else {
            panic!("it is ours")
        };
        assert_eq!(differs, [Part::Environment(vec!["DATABASE".into()])], "what is recorded outweighs a mark");
    }
}

#[test]
fn output_to_a_device_says_nothing() {
    let mut seen = evidence(vec![holder(Tie::None, Marked::Not, Runs::OtherCommand, Logs::Elsewhere)], ours(), false);
    seen.known[0].log = Some("/dev/null".into());
    assert!(matches!(judge(&seen, &service(None)), Whose::Foreign(..)));
}

#[test]
fn each_way_to_know_a_server_has_its_words() {
    for (by, words) in [
        (By::Pattern("a\"b".into()), r#"its command line matches "a\"b""#),
        (By::Command, "its command line and folder match"),
        (By::Service, "it was started for this service"),
        (By::Answer, "its answer is the one that is expected"),
        (By::Port, "it holds the port"),
    ] {
        assert_eq!(by.to_string(), words);
    }
}

#[test]
fn where_any_will_do_anothers_server_is_taken_and_our_own_stays_what_it_is() {
    let held = || vec![holding(None)];
    let by_port = Whose::Matching(held(), By::Port);
    for (whose, taken) in [
        (Whose::Nobody, Whose::Nobody),
        (Whose::Ours(held(), vec![Part::Folder]), Whose::Ours(held(), vec![Part::Folder])),
        (Whose::Matching(held(), By::Command), Whose::Matching(held(), By::Command)),
        (Whose::Another(held(), other(8000)), by_port.clone()),
        (Whose::Foreign(held(), vec![Part::Command]), by_port),
    ] {
        assert_eq!(whose.clone().or_any(), taken, "{whose:?}");
    }
}

/// The supervisor of a server, which listens for it.
fn supervisor_of(started: Started) -> Holder {
    let itself = Seen { mark: Some(mark(started)), ..seen(process(300, 300, 3000, "ensure-up --supervise 8000")) };
    Holder { holding: holding(Some(itself.facts.clone())), root: None, line: vec![itself] }
}

#[test]
fn the_supervisor_that_listens_for_the_server_is_not_the_server() {
    let server = || holder(Tie::IsRoot, Marked::Not, Runs::Holder, Logs::Elsewhere);
    let held = |one: &Holder| vec![one.holding.clone()];
    let (its, anothers, service) = (supervisor_of(ours()), supervisor_of(other(8000)), service(None));
    // the same process by another command
    let mut no_supervisor = supervisor_of(ours());
    no_supervisor.line[0].facts.command = Some(vec!["serve".into()]);
    // one that carries no mark keeps up who knows what
    let mut unmarked = supervisor_of(ours());
    unmarked.line[0].mark = None;
    for (holders, expected) in [
        (vec![its.clone()], Whose::Nobody),
        (vec![its, server()], Whose::Ours(held(&server()), Vec::new())),
        (vec![anothers.clone()], Whose::Another(held(&anothers), other(8000))),
        (vec![no_supervisor.clone()], Whose::Ours(held(&no_supervisor), Vec::new())),
        (vec![unmarked.clone()], Whose::Foreign(held(&unmarked), vec![Part::Command])),
    ] {
        assert_eq!(judge(&evidence(holders.clone(), ours(), false), &service), expected, "{holders:?}");
    }
}

#[test]
fn holders_are_parted_into_those_of_one_server_and_all_others() {
    let of = |marked| holder(Tie::None, marked, Runs::OtherCommand, Logs::Elsewhere);
    let holders = [of(Marked::AsOurs), of(Marked::Not), of(Marked::AsAnother), supervisor_of(ours())];
    let holdings = |those: &[usize]| those.iter().map(|&at| holders[at].holding.clone()).collect::<Vec<_>>();
    let seen = evidence(holders.to_vec(), ours(), false);
    assert_eq!(seen.part(&ours()), (holdings(&[0]), holdings(&[1, 2])));
    assert_eq!(seen.part(&other(8000)), (holdings(&[2]), holdings(&[0, 1, 3])));
}

#[test]
fn what_was_started_for_the_port_is_known_before_what_opened_it_besides_its_own() {
    let of = |marked| holder(Tie::None, marked, Runs::OtherCommand, Logs::Elsewhere);
    for (marks, expected) in [
        (&[Marked::Not][..], None),
        (&[Marked::AsAnotherOnAnotherPort], Some(other(9000))),
        (&[Marked::AsAnotherOnAnotherPort, Marked::AsOurs], Some(ours())),
        (&[Marked::ByAnotherUser], None),
    ] {
        let seen = evidence(marks.iter().map(|&marked| of(marked)).collect(), ours(), false);
        assert_eq!(seen.started_there(), expected.as_ref(), "{marks:?}");
    }
}

#[test]
fn the_outermost_process_that_runs_the_command_is_its_runner() {
    let found =
        |holders: &[Holder]| evidence(holders.to_vec(), ours(), false).runner(&service(None)).map(|one| one.pid);
    let of = |runs| holder(Tie::None, Marked::Not, runs, Logs::Elsewhere);
    let mut both = of(Runs::Ancestor);
    both.line[0] = of(Runs::Holder).line.remove(0);
    for (holders, pid) in [
        (&[of(Runs::OtherCommand)][..], None),
        (&[of(Runs::InOtherFolder)], None),
        (&[of(Runs::Holder)], Some(200)),
        (&[of(Runs::Ancestor)], Some(50)),
        (&[both], Some(50)),
        (&[of(Runs::OtherCommand), of(Runs::Holder)], Some(200)),
    ] {
        assert_eq!(found(holders), pid, "{holders:?}");
    }
}

#[test]
fn who_cannot_be_seen_tells_nothing_of_what_differs() {
    let unseen = Holder { holding: holding(None), root: None, line: Vec::new() };
    let stranger = holder(Tie::None, Marked::Not, Runs::InOtherFolder, Logs::Elsewhere);
    for (holders, differs) in [(vec![unseen.clone()], vec![]), (vec![unseen, stranger], vec![Part::Folder])] {
        let Whose::Foreign(_, parts) = judge(&evidence(holders, ours(), false), &service(None)) else {
            panic!("strangers are foreign")
        };
        assert_eq!(parts, differs);
    }
}

#[test]
fn a_stranger_is_who_is_none_of_the_server_and_would_not_be_taken_as_it() {
    let own = holder(Tie::IsRoot, Marked::Not, Runs::OtherCommand, Logs::Elsewhere);
    let on = |inode: u64, mut holder: Holder| {
        holder.holding.socket.as_mut().expect("a socket").inode = inode;
        holder
    };
    let with = |runs| on(2, holder(Tie::None, Marked::Not, runs, Logs::Elsewhere));
    let unseen = |uid| {
        let mut holding = on(2, own.clone()).holding;
        holding.process = None;
        holding.socket.as_mut().expect("a socket").uid = Some(uid);
        Holder { holding, root: None, line: Vec::new() }
    };
    let state = StateFolder { path: "/state".into() };
    for (other, of_service, is_stranger) in [
        (with(Runs::OtherCommand), true, true),
        (with(Runs::OtherCommand), false, true),
        (with(Runs::Holder), true, false),
        (with(Runs::Holder), false, true),
        // its own socket in another program
        (on(1, with(Runs::OtherCommand)), true, false),
        // its own that may not be looked at
        (unseen(user()), true, false),
        (unseen(user() + 1), true, true),
    ] {
        let seen = evidence(vec![own.clone(), other.clone()], ours(), false);
        let found =
            seen.stranger(std::slice::from_ref(&own.holding), &ours(), &state, || of_service.then(|| service(None)));
        let expected = is_stranger.then(|| Stranger::Sharing(vec![other.holding.clone()]));
        assert_eq!(found, expected, "{:?}", other.holding);
    }
}
