//! Whose is the server on the port? Nobody's, ours, one that matches, or a foreign one: never a guess.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    net::SocketAddr,
    path::Path,
};

use nix::unistd::geteuid;
use port_who::{Answer, Holding, LookError, PortSpec, Protocol, Query, Socket};
use proc_tree::{Facts, Identity, process, tree};

use crate::Service;

/// Who holds a port, seen from a service that wants it.
#[derive(Debug, Clone)]
pub enum Standing {
    /// Nobody.
    Free,
    /// The recorded process, one of its descendants or of its session.
    Ours(Vec<Holding>),
    /// A server without a record that is ours all the same; says by what.
    Matching(Vec<Holding>, String),
    /// Somebody else.
    Foreign(Vec<Holding>),
}

impl Standing {
    /// Returns the holders.
    pub fn holdings(&self) -> &[Holding] {
        match self {
            Self::Free => &[],
            Self::Ours(holdings) | Self::Matching(holdings, _) | Self::Foreign(holdings) => holdings,
        }
    }
}

/// Finds out whose the server on a port is.
///
/// Most often it is held by `roots` and their descendants alone: to see that costs far less than a look at all processes.
///
/// # Errors
/// When the socket table or the process table cannot be read.
pub(crate) fn of(port: u16, service: &Service, roots: &[Identity], was_there: bool) -> Result<Standing, LookError> {
    let sockets = listeners(port)?;
    if sockets.is_empty() {
        return Ok(Standing::Free);
    }
    match held_by_trees(&sockets, roots) {
        Some(ours) => Ok(Standing::Ours(ours)),
        None => Ok(classify(look(port)?.holdings, port, service, roots, was_there)),
    }
}

/// Finds the holders in these trees; `None` when a socket has none there. What cannot be read is not ours for certain.
fn held_by_trees(sockets: &[Socket], roots: &[Identity]) -> Option<Vec<Holding>> {
    let mut members: Vec<u32> = Vec::new();
    for &root in roots {
        let tree = tree::members(root.pid).unwrap_or_default();
        let is_alive = tree.first().is_some_and(|first| first.identity() == root);
        members.extend(tree.iter().filter(|_| is_alive).map(|stat| stat.pid));
    }
    members.sort_unstable();
    members.dedup();
    let mut holdings = Vec::new();
    for socket in sockets {
        let before = holdings.len();
        for &pid in &members {
            if port_who::holds(pid, std::slice::from_ref(socket)).unwrap_or(false) {
                let process = Some(Facts::of(pid).ok().flatten()?);
                holdings.push(Holding { socket: socket.clone(), process });
            }
        }
        if holdings.len() == before {
            return None;
        }
    }
    Some(holdings)
}

/// Finds out who listens on a port.
///
/// # Errors
/// When the socket table or the process table cannot be read.
pub(crate) fn look(port: u16) -> Result<Answer, LookError> {
    port_who::look(&query(port))
}

/// Lists the sockets that listen on a port, without asking whose they are.
///
/// # Errors
/// When the socket table cannot be read.
pub(crate) fn listeners(port: u16) -> Result<Vec<Socket>, port_who::SocketTableError> {
    port_who::sockets(&query(port))
}

fn query(port: u16) -> Query {
    Query::holders_of(vec![PortSpec::port(port).of_protocol(Protocol::Tcp)])
}

/// Sorts the holders out: those that descend from `roots` are ours; else those that match are taken.
///
/// Without `was_there` only those are: beside a server that was just started whatever else matches is another one.
pub(crate) fn classify(
    all: Vec<Holding>,
    port: u16,
    service: &Service,
    roots: &[Identity],
    was_there: bool,
) -> Standing {
    if all.is_empty() {
        return Standing::Free;
    }
    let ours = some(&all, |process| descends(process, roots));
    if !ours.is_empty() {
        return Standing::Ours(ours);
    }
    if !was_there {
        return Standing::Foreign(all);
    }
    if let Some(pattern) = &service.spec.matching {
        let matching = some(&all, |process| pattern.is_match(&process.command_line()));
        if !matching.is_empty() {
            return Standing::Matching(matching, format!("its command line matches {:?}", pattern.as_str()));
        }
    }
    let wanted = service.command(port);
    let matching = some(&all, |process| runs_command(process, &wanted, &service.cwd));
    if matching.is_empty() {
        Standing::Foreign(all)
    } else {
        Standing::Matching(matching, "its command line and folder match".into())
    }
}

fn some(all: &[Holding], is_wanted: impl Fn(&Facts) -> bool) -> Vec<Holding> {
    all.iter().filter(|holding| holding.process.as_ref().is_some_and(&is_wanted)).cloned().collect()
}

/// Tells whether a process is one of the roots, descends from one, or is of a session that one began.
pub(crate) fn descends(process: &Facts, roots: &[Identity]) -> bool {
    let is_root = |identity: Identity| roots.contains(&identity);
    is_root(process.identity())
        || roots.iter().any(|&root| is_in_session(process.session, process.start_id, root))
        || ancestors(process).any(is_root)
}

/// Tells whether a process that started then and is of that session is of the one that the root began.
///
/// A session outlives its leader; its number is not given to another one while it has members.
/// When the number is another process's by now, the session may be that one's.
pub(crate) fn is_in_session(session: u32, start_id: u64, root: Identity) -> bool {
    session == root.pid
        && start_id >= root.start_id
        && process::stat(root.pid).is_ok_and(|leader| leader.is_none_or(|leader| leader.identity() == root))
}

fn ancestors(of: &Facts) -> impl Iterator<Item = Identity> {
    let stat = process::stat(of.pid).ok().flatten().filter(|stat| stat.identity() == of.identity());
    let line = stat.and_then(|stat| tree::ancestors(&stat).ok()).unwrap_or_default();
    line.into_iter().map(|stat| stat.identity())
}

/// Tells whether the process, or one that it descends from, is this user's with this command line in this folder.
fn runs_command(process: &Facts, wanted: &[OsString], cwd: &Path) -> bool {
    let is_it = |process: &Facts| {
        process.uid == Some(geteuid().as_raw())
            && process.cwd.as_deref().is_some_and(|folder| folder == cwd)
            && process.command.as_deref().is_some_and(|words| is_same_command(words, wanted))
    };
    is_it(process)
        || ancestors(process).any(|ancestor| matches!(Facts::of(ancestor.pid), Ok(Some(facts)) if is_it(&facts)))
}

/// The kernel puts a script's interpreter, with at most one argument, in front of its command line, and the path that the
/// script was found at in place of its name.
///
/// What is no text is compared as it is shown.
fn is_same_command(words: &[String], wanted: &[OsString]) -> bool {
    let Some(extra) = words.len().checked_sub(wanted.len()).filter(|&extra| extra <= 2) else { return false };
    let mut pairs = words[extra..].iter().zip(wanted.iter().map(|word| word.to_string_lossy()));
    let is_program = |(word, wanted): (&String, Cow<'_, str>)| {
        *word == wanted || (!wanted.contains('/') && Path::new(word).file_name() == Some(OsStr::new(&*wanted)))
    };
    pairs.next().is_some_and(is_program) && pairs.all(|(word, wanted)| *word == wanted)
}

/// Returns where the server listens, the address to ask it on first: people and proxies use IPv4 loopback most.
pub(crate) fn listener(holdings: &[Holding]) -> Option<SocketAddr> {
    usual(holdings.iter().map(|holding| holding.socket.local))
}

/// Returns the address that people and proxies would use.
pub(crate) fn usual(addresses: impl Iterator<Item = SocketAddr>) -> Option<SocketAddr> {
    addresses.min_by_key(|address| {
        (!address.ip().is_loopback() && !address.ip().is_unspecified(), address.is_ipv6(), *address)
    })
}

/// Returns the PIDs of the holders, each once, in ascending order.
pub(crate) fn pids(holdings: &[Holding]) -> Vec<u32> {
    let mut pids: Vec<u32> = holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.pid)).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
