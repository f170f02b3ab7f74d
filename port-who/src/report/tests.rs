use super::*;
use crate::{
    Holding, State,
    example::process,
    origin::{Origin, StartedBy, StarterKind},
};

fn holding(inode: u64, process: Option<Facts>) -> Holding {
    Holding { socket: Socket { inode, ..Socket::example() }, process }
}

fn answer(holdings: Vec<Holding>) -> Answer {
    Answer { holdings, ..Answer::default() }
}

fn render(answer: &Answer, detail: &Detail<'_>) -> String {
    let mut out = Vec::new();
    table(answer, detail, &mut out, &Look::plain()).expect("a vector takes everything");
    String::from_utf8(out).expect("a table is text")
}

#[test]
fn a_child_stands_under_its_parent_and_each_process_once() {
    let (parent, child) = (process(50, 1, "server"), process(12, 50, "server worker"));
    let grandchild = process(11, 12, "helper");
    // by SO_REUSEPORT the child has a socket of its own, and its parent's too
    let answer = answer(vec![
        holding(1, Some(child.clone())),
        holding(1, Some(parent)),
        holding(2, Some(grandchild)),
        holding(2, Some(child)),
    ]);
    let expected = "\
PORT  PROTO  ADDRESS    PID  USER        UP  COMMAND
8000  tcp    127.0.0.1   50  4000000000  0s  server
8000  tcp    127.0.0.1   12  4000000000  0s  └ server worker
8000  tcp    127.0.0.1   11  4000000000  0s    └ helper
";
    assert_eq!(render(&answer, &Detail::default()), expected);
}

#[test]
fn who_cannot_be_seen_and_who_is_not_there_are_told_apart() {
    let gone =
        Socket { inode: 0, state: State::TimeWait, peer: Some(([127, 0, 0, 1], 5000).into()), ..Socket::example() };
    let nobody = Socket { uid: Some(4_000_000_000), ..Socket::example() };
    let answer = answer(vec![
        Holding { socket: nobody, process: None },
        Holding { socket: Socket { uid: None, ..gone }, process: None },
    ]);
    let expected = "\
PORT  PROTO  ADDRESS    PEER            STATE      PID  USER        UP  COMMAND
8000  tcp    127.0.0.1  –               listen       ?  4000000000   ?  (not visible to you)
8000  tcp    127.0.0.1  127.0.0.1:5000  time_wait    ?  ?            ?  (no process has it open)
";
    assert_eq!(render(&answer, &Detail { connections: true, ..Detail::default() }), expected);
    assert_eq!(answer.invisible().count(), 1);
}

#[test]
fn where_a_process_comes_from_stands_on_a_line_of_its_own() {
    let parents = |names: &[(&str, u32)]| names.iter().map(|&(name, pid)| process(pid, 0, name)).collect::<Vec<_>>();
    let by = |kind, name: &str, pid| StartedBy {
        kind,
        name: name.into(),
        service: None,
        folder: None,
        runtime: None,
        pid,
        start_id: pid.map(u64::from),
    };
    let id = "3f2a9c1b7d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";
    let container = StartedBy { runtime: Some("docker"), ..by(StarterKind::Container, id, None) };
    let service = |name: Option<&str>, pid| StartedBy {
        service: name.map(Into::into),
        folder: Some("/srv/shop".into()),
        ..by(StarterKind::EnsureUp, "ensure-up", pid)
    };
    let above = [("npm", 46), ("just", 45), ("zsh", 44), ("tmux: server", 43), ("systemd", 1)];
    let cases = [
        (parents(&above), Some(by(StarterKind::Tmux, "tmux", Some(43))), "└ node ← npm ← just ← zsh ← tmux"),
        (parents(&above), Some(by(StarterKind::Shell, "zsh", Some(44))), "└ node ← npm ← just ← zsh"),
        (
            parents(&[("systemd", 1)]),
            Some(by(StarterKind::Systemd, "web.service", None)),
            "└ node ← systemd, unit web.service",
        ),
        (parents(&[("tini", 9), ("init", 1)]), Some(container), "└ node ← tini, docker container 3f2a9c1b7d4e"),
        (parents(&[("init", 1)]), Some(service(None, None)), "└ node ← ensure-up, folder /srv/shop"),
        (
            parents(&[("sh", 9), ("ensure-up", 8), ("init", 1)]),
            Some(service(Some("api"), Some(8))),
            "└ node ← sh ← ensure-up, service api, folder /srv/shop",
        ),
        (parents(&[("agent", 9), ("init", 1)]), None, "└ node ← agent"),
        (parents(&[]), None, "└ node"),
    ];
    for (ancestors, started_by, expected) in cases {
        let origin = Origin { ancestors, started_by, orphan: Some(false) };
        assert_eq!(why::line(&process(50, 46, "node"), Some(&origin)), expected);
    }
}

#[test]
fn an_orphan_says_what_is_left_of_where_it_was_born() {
    let orphan = Origin { ancestors: vec![process(1, 0, "init")], started_by: None, orphan: Some(true) };
    let answer = answer(vec![holding(1, Some(process(50, 1, "server")))]);
    let origins = Origins::from([(50, orphan)]);
    let drawn = render(&answer, &Detail { origins: Some(&origins), ..Detail::default() });
    assert!(
        drawn.ends_with("\n      └ orphan: its parent ended; started in session 40, folder /srv/models\n"),
        "{drawn}"
    );
}

#[test]
fn pids_come_once_and_in_order() {
    let answer = answer(vec![
        holding(1, Some(process(100, 1, "b"))),
        holding(1, Some(process(9, 1, "a"))),
        holding(2, Some(process(100, 1, "b"))),
        holding(3, None),
    ]);
    let mut out = Vec::new();
    pids(&answer, &mut out).expect("a vector takes everything");
    assert_eq!(out, b"9\n100\n");
}
