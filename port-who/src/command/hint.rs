//! What would help, where an answer is not the whole one.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    ops::RangeInclusive,
};

use port_who::{Answer, Free, LookError, PortSpec, report};
use proc_tree::cli::{command_line, terminal::Look};

use super::{arguments::Arguments, question};

/// More ports than these are not named one by one.
const NAMED: usize = 5;

/// Says hints on stderr, behind what they are about.
pub(super) fn say(arguments: &Arguments, hints: &[String]) {
    let look = Look::of(&io::stderr(), arguments.common.color);
    for hint in hints.iter().filter(|_| !arguments.common.quiet) {
        let _ = writeln!(io::stderr(), "hint: {}", look.pids(hint));
    }
}

/// Says what would show the rest of an answer.
pub(super) fn of_answer(answer: &Answer, arguments: &Arguments) -> Vec<String> {
    let slip = arguments.interval().and_then(|_| detached("--watch", arguments));
    let unseen = if is_root() { report::unseen_by_root(answer) } else { unseen(answer, arguments) };
    unseen.into_iter().chain(hidden(answer)).chain(closed(answer)).chain(slip).collect()
}

/// Says what would show the holdings of those who may not be looked into.
fn closed(answer: &Answer) -> Option<String> {
    answer.closed.first()?;
    let names = question::names(&answer.closed);
    Some(if is_root() {
        format!("{names} may not be looked into, even by root: there may be more")
    } else {
        format!("{names} may not be looked into: sudo port-who shows what is held there, too")
    })
}

/// Says who could see more.
pub(super) fn as_root() -> Option<String> {
    (!is_root()).then(|| "root may see it: use sudo".to_owned())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says what would show the holders that are not visible.
fn unseen(answer: &Answer, arguments: &Arguments) -> Option<String> {
    let ports: BTreeSet<u16> = answer.invisible().map(|holding| holding.socket.local.port()).collect();
    // the port of a client is not what was asked for
    let are_told = !arguments.connections || arguments.ports.is_empty();
    let named: Vec<String> = match ports.len() {
        0 => return None,
        1..=NAMED if are_told => ports.iter().map(u16::to_string).collect(),
        _ => arguments.ports.iter().map(PortSpec::to_string).collect(),
    };
    let flags = [("--connections", arguments.connections), ("--all-netns", arguments.all_netns)];
    let flags = flags.into_iter().filter_map(|(flag, is_given)| is_given.then_some(flag));
    let command =
        command_line::typed(["sudo", "port-who"].into_iter().chain(flags).chain(named.iter().map(String::as_str)));
    Some(format!("{command} shows the {}", if ports.len() == 1 { "process" } else { "processes" }))
}

/// Says that some sockets may be missing in an answer.
fn hidden(answer: &Answer) -> Option<String> {
    let (processes, show, theirs) = match answer.hidden {
        0 => return None,
        1 => ("one process".to_owned(), "does not show its", "it"),
        count => (format!("{count} processes"), "do not show their", "them"),
    };
    Some(if cfg!(target_os = "macos") {
        format!("{processes} {show} sockets to you: sudo port-who sees {theirs} too")
    } else {
        format!("{processes} {show} network namespace: sockets in there may be missing here")
    })
}

/// Says what would help against a failure.
pub(super) fn failed(error: &LookError) -> Option<&'static str> {
    error.is_namespace_denied().then_some("root may look into other network namespaces: use sudo")
}

/// Nobody asks for these, which the first services of the internet had: how many, or how often, was meant.
const SURELY_A_VALUE: RangeInclusive<u16> = 1..=20;

/// Says where an optional value belongs that stands as a port behind its option.
pub(super) fn detached(option: &str, arguments: &Arguments) -> Option<String> {
    let [(port, last)] = arguments.ports.first()?.ranges() else { return None };
    (port == last && SURELY_A_VALUE.contains(port))
        .then(|| format!("{port} was taken for a port: {option}={port} is the form with a value"))
}

/// Says why a port that nobody holds was left out.
pub(super) fn left_out(free: &Free) -> Vec<String> {
    let forbidden = free.forbidden.map(|port| format!("port {port} is free, but only root may bind it"));
    let foreign = free.foreign.map(|address| format!("{address} is no address of this machine"));
    forbidden.into_iter().chain(foreign).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use port_who::{Holding, Protocol, Socket, State};

    use super::*;

    fn unseen_on(ports: impl IntoIterator<Item = u16>) -> Answer {
        let holding = |port| Holding {
            socket: Socket {
                protocol: Protocol::Tcp,
                local: ([127, 0, 0, 1], port).into(),
                peer: None,
                state: State::Listen,
                inode: 1,
                uid: Some(0),
                v6only: None,
                netns: None,
            },
            process: None,
        };
        Answer { holdings: ports.into_iter().map(holding).collect(), unreadable: 3, ..Answer::default() }
    }

    #[test]
    fn a_user_is_told_to_ask_as_root() {
        let say = |answer: &Answer, asked: &[&str]| {
            let words = ["port-who"].into_iter().chain(asked.iter().copied());
            unseen(answer, &Arguments::try_parse_from(words).expect("a question"))
        };
        assert_eq!(say(&unseen_on([5432]), &["5432"]).as_deref(), Some("sudo port-who 5432 shows the process"));
        assert_eq!(say(&unseen_on([22, 80, 80]), &[]).as_deref(), Some("sudo port-who 22 80 shows the processes"));
        let many = unseen_on(8000..8010);
        assert_eq!(say(&many, &["8000-8099"]).as_deref(), Some("sudo port-who 8000-8099 shows the processes"));
        assert_eq!(say(&many, &[]).as_deref(), Some("sudo port-who shows the processes"));
        let client = unseen_on([54321]);
        let said = Some("sudo port-who --connections 443 '[::1]:80' shows the process");
        assert_eq!(say(&client, &["--connections", "443", "[::1]:80"]).as_deref(), said);
        assert_eq!(
            say(&client, &["--connections"]).as_deref(),
            Some("sudo port-who --connections 54321 shows the process")
        );
        assert_eq!(say(&Answer::default(), &[]), None);
    }

    #[test]
    fn processes_that_hide_where_they_are_are_counted() {
        let hidden = |count| hidden(&Answer { hidden: count, ..Answer::default() });
        assert_eq!(hidden(0), None);
        assert!(hidden(1).is_some_and(|hint| hint.starts_with("one process does not show its ")));
        assert!(hidden(3).is_some_and(|hint| hint.starts_with("3 processes do not show their ")));
    }
}
