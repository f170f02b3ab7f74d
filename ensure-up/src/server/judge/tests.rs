//! The judgement, over every combination of evidence.

use std::time::SystemTime;

use port_who::{Protocol, Socket, State};

use super::*;
use crate::ServiceSpec;

const ROOT: Identity = Identity { pid: 100, start_id: 1000 };
const USER: u32 = 7;

/// What ties a holder to the server that was started.
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

/// Who runs the command that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    Holder,
    Ancestor,
    OtherUser,
    InOtherFolder,
    OtherCommand,
}

const RUNS: [Runs; 5] = [Runs::Holder, Runs::Ancestor, Runs::OtherUser, Runs::InOtherFolder, Runs::OtherCommand];

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
        uid: Some(USER),
        user: None,
        started_at: SystemTime::UNIX_EPOCH,
    }
}

fn holding(process: Option<Facts>) -> Holding {
    let socket = Socket {
        protocol: Protocol::Tcp,
        local: "127.0.0.1:8000".parse().expect("an address"),
        peer: None,
        state: State::Listen,
        inode: 1,
        uid: Some(USER),
        v6only: None,
        netns: None,
    };
    Holding { socket, process }
}

fn holder(tie: Tie, runs: Runs) -> Holder {
    let (pid, session, start_id) = match tie {
        Tie::IsRoot => (ROOT.pid, ROOT.pid, ROOT.start_id),
        Tie::InSession | Tie::InSessionOfReusedPid => (200, ROOT.pid, 2000),
        Tie::Descends | Tie::FoundInTree | Tie::None => (200, 200, 2000),
    };
    let command = if matches!(runs, Runs::Ancestor | Runs::OtherCommand) { "other" } else { "serve 8000" };
    let mut process_itself = process(pid, session, start_id, command);
    match runs {
        Runs::OtherUser => process_itself.uid = Some(USER + 1),
        Runs::InOtherFolder => process_itself.cwd = Some("/elsewhere".into()),
        _ => {}
    }
    let mut ancestors = vec![process(50, 50, 10, if runs == Runs::Ancestor { "serve 8000" } else { "shell" })];
    if tie == Tie::Descends {
        ancestors.push(process(ROOT.pid, ROOT.pid, ROOT.start_id, "wrapper"));
    }
    let root = (tie == Tie::FoundInTree).then_some(ROOT);
    Holder { holding: holding(Some(process_itself)), root, ancestors }
}

fn evidence(holders: Vec<Holder>, is_reused: bool) -> Evidence {
    Evidence {
        port: 8000,
        user: USER,
        holders,
        roots: vec![Root { identity: ROOT, is_reused }],
        was_there: true,
        answers: None,
    }
}

fn service(pattern: Option<&str>) -> Service {
    let spec = ServiceSpec {
        command: vec!["serve".into(), "{port}".into()],
        matching: pattern.map(|pattern| pattern.parse().expect("a pattern")),
        ..ServiceSpec::default()
    };
    let ports = "8000".parse().expect("a port");
    Service { spec, ports, cwd: "/site".into(), environment: Vec::new() }
}

#[test]
fn the_strongest_evidence_decides_in_every_combination() {
    for tie in TIES {
        for runs in RUNS {
            for pattern in [None, Some("^(serve|other)"), Some("^nothing")] {
                for answers in [None, Some(false), Some(true)] {
                    for was_there in [true, false] {
                        let seen = evidence(vec![holder(tie, runs)], tie == Tie::InSessionOfReusedPid);
                        let seen = Evidence { was_there, answers, ..seen };
                        let found = vec![seen.holders[0].holding.clone()];
                        let is_ours = [Tie::IsRoot, Tie::Descends, Tie::FoundInTree, Tie::InSession].contains(&tie);
                        let expected = match pattern {
                            _ if is_ours => Whose::Ours(found),
                            _ if !was_there => Whose::Foreign(found),
                            Some(pattern) if pattern != "^nothing" => {
                                Whose::Matching(found, By::Pattern(pattern.into()))
                            }
                            _ if matches!(runs, Runs::Holder | Runs::Ancestor) => Whose::Matching(found, By::Command),
                            _ if answers == Some(true) => Whose::Matching(found, By::Answer),
                            _ => Whose::Foreign(found),
                        };
                        let case = format!("{tie:?} {runs:?} {pattern:?} {answers:?} {was_there}");
                        assert_eq!(judge(&seen, &service(pattern)), expected, "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_port_that_nobody_holds_is_nobodys_whatever_else_was_seen() {
    for answers in [None, Some(true)] {
        let seen = Evidence { answers, ..evidence(Vec::new(), false) };
        assert_eq!(judge(&seen, &service(Some(""))), Whose::Nobody);
    }
}

#[test]
fn an_owner_that_is_not_visible_is_foreign_unless_its_answer_is_known() {
    let unseen = || vec![Holder { holding: holding(None), root: None, ancestors: Vec::new() }];
    for (answers, is_known) in [(None, false), (Some(false), false), (Some(true), true)] {
        let seen = Evidence { answers, ..evidence(unseen(), false) };
        let expected = vec![holding(None)];
        let expected = if is_known { Whose::Matching(expected, By::Answer) } else { Whose::Foreign(expected) };
        assert_eq!(judge(&seen, &service(Some(""))), expected);
    }
}

#[test]
fn of_several_holders_those_count_that_the_strongest_evidence_is_about() {
    let all = vec![
        holder(Tie::None, Runs::OtherCommand),
        holder(Tie::None, Runs::Holder),
        holder(Tie::InSession, Runs::OtherCommand),
    ];
    let one = |position: usize| vec![all[position].holding.clone()];
    assert_eq!(judge(&evidence(all.clone(), false), &service(None)), Whose::Ours(one(2)));
    let without_ours = evidence(all[..2].to_vec(), false);
    assert_eq!(judge(&without_ours, &service(None)), Whose::Matching(one(1), By::Command));
    let Whose::Foreign(strangers) = judge(&evidence(vec![all[0].clone(); 2], false), &service(None)) else {
        panic!("strangers are foreign")
    };
    assert_eq!(strangers.len(), 2);
}

#[test]
fn without_roots_nothing_is_ours() {
    for tie in TIES {
        let seen = Evidence { roots: Vec::new(), ..evidence(vec![holder(tie, Runs::OtherCommand)], false) };
        assert!(matches!(judge(&seen, &service(None)), Whose::Foreign(_)), "{tie:?}");
    }
}

#[test]
fn a_recorded_server_differs_by_command_folder_and_environment() {
    let asked = service(None);
    let record = ServerRecord::starting(&asked, 8000, None, None);
    assert_eq!(differences(&record, &asked), Vec::<&str>::new());
    let other_port = ServerRecord { port: 8001, ..record.clone() };
    assert_eq!(differences(&other_port, &asked), ["command"], "the port stands in the command");
    let changed = ServerRecord { cwd: "/".into(), environment: 1, command: vec!["x".into()], ..record };
    assert_eq!(differences(&changed, &asked), ["command", "folder", "environment"]);
}

#[test]
fn a_command_is_known_again_behind_its_interpreter_and_no_other_is() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let wanted = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    for (running, asked) in [
        ("python3 -m http.server 8000", "python3 -m http.server 8000"),
        ("/usr/bin/python3 ./serve.py 8000", "./serve.py 8000"),
        ("/usr/bin/env -S ./serve.py", "./serve.py"),
        ("/usr/bin/python3 /usr/local/bin/uvicorn app:app", "uvicorn app:app"),
    ] {
        assert!(is_same_command(&words(running), &wanted(asked)), "{running}");
    }
    for (running, asked) in [
        ("python3 -m http.server 8001", "python3 -m http.server 8000"),
        ("python3 -m http.server 8000 --bind ::1", "python3 -m http.server 8000"),
        ("a b c serve", "serve"),
        ("http.server", "python3 -m http.server"),
        ("/opt/other/serve.py", "./serve.py"),
    ] {
        assert!(!is_same_command(&words(running), &wanted(asked)), "{running}");
    }
}
