//! What runs here: the servers of a folder that are known of, and what else listens that was started in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    path::Path,
};

use nix::unistd::geteuid;
use port_who::{Protocol, Query};
use proc_tree::{Facts, Identity};

use super::typed;
use crate::{
    Failure, Port, ReadyError, ServerRecord, ServiceSpec, StateFolder,
    server::{command::Running, holding::Holding, known, loading, seen::Seen, session::Root},
    service::supervision::Supervision,
};

/// A server that runs here.
#[derive(Debug, Clone)]
pub struct Found {
    /// It, as a service of the file.
    pub spec: ServiceSpec,
    /// What is recorded of it.
    pub record: Option<ServerRecord>,
    /// Its process.
    pub identity: Identity,
    /// Its port, if it has one.
    pub port: Option<Port>,
    /// The variables that were set for it: their values are in no record, and not for a file.
    pub variables: Vec<String>,
    /// What it needs and does not run: nothing of the file.
    pub left_out: Vec<String>,
}

/// What runs in a folder.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// What the file can describe.
    pub found: Vec<Found>,
    /// What listens and shows a title in the place of its command line.
    pub titled: Vec<Titled>,
}

/// A process whose command line is not to be seen.
#[derive(Debug, Clone)]
pub struct Titled {
    /// Where it listens.
    pub port: Port,
    /// The program that it runs.
    pub program: String,
    /// It.
    pub process: Facts,
}

/// Finds what runs in a folder: what was started with ensure-up first, by port.
///
/// # Errors
/// When the records, the ports or the processes cannot be looked at.
pub fn find(state_folder: &StateFolder, folder: &Path) -> Result<Here, Failure> {
    let known = known::servers(state_folder, &[])?;
    let mut here = Here::default();
    let found = &mut here.found;
    for one in known.iter().filter(|one| one.is_alive && one.record.service.folder == folder) {
        let running = one.record.running().map_err(Failure::system("watch the server"))?;
        found.extend(running.map(|identity| recorded(&one.record, identity)));
    }
    let roots: Vec<Root> = known.iter().flat_map(|one| one.record.roots()).map(Root::of).collect();
    for (port, process) in listeners(folder, &roots)? {
        match listener(port, &process, folder) {
            Some(one) => found.push(one),
            None => here.titled.push(Titled { port, program: typed::program(&process, folder), process }),
        }
    }
    let mut names = BTreeSet::new();
    for one in &mut *found {
        let name = one.spec.name.clone().map_or_else(|| named(&one.spec), table);
        let free = (1..).map(|number| if number == 1 { name.clone() } else { format!("{name}-{number}") });
        one.spec.name = free.into_iter().find(|name| names.insert(name.clone()));
    }
    depend(found);
    Ok(here)
}

/// Lets each depend on those that are found, by the names that they have now.
fn depend(found: &mut [Found]) {
    let renamed = |one: &Found| Some((one.record.as_ref()?.service.name.clone()?, one.spec.name.clone()?));
    let names: BTreeMap<String, String> = found.iter().filter_map(renamed).collect();
    for one in found {
        let (kept, left_out) =
            mem::take(&mut one.spec.depends_on).into_iter().partition(|name| names.contains_key(name));
        (one.spec.depends_on, one.left_out) = (kept, left_out);
        one.spec.depends_on.iter_mut().for_each(|name| name.clone_from(&names[name.as_str()]));
    }
}

/// Describes a server that is recorded.
fn recorded(record: &ServerRecord, identity: Identity) -> Found {
    let folder = &record.service.folder;
    let cwd = record.cwd.strip_prefix(folder).unwrap_or(&record.cwd);
    let spec = ServiceSpec {
        name: record.service.name.clone(),
        command: with_port(&record.command, record.port),
        port: record.port.map(Into::into),
        health: record.health.clone(),
        probe: record.probe.clone(),
        cwd: (record.cwd != *folder).then(|| cwd.to_owned()),
        stop_signal: record.stop_signal.as_deref().and_then(|signal| signal.parse().ok()),
        grace: record.grace(),
        depends_on: record.depends_on.clone(),
        once: record.once,
        supervision: Supervision { keep_up: record.supervisor.is_some(), ..Supervision::default() },
        ..ServiceSpec::default()
    };
    let variables = record.environment.keys().cloned().collect();
    Found { spec, record: Some(record.clone()), identity, port: record.port, variables, left_out: Vec::new() }
}

/// Finds the programs that listen, were started in the folder, and are no server that is known: each by its eldest process
/// and its lowest port.
fn listeners(folder: &Path, known: &[Root]) -> Result<Vec<(Port, Facts)>, Failure> {
    let query = Query { udp: false, ..Query::holders_of(Vec::new()) };
    let holdings = port_who::look(&query).map_err(ReadyError::from)?.holdings;
    let above = loading::above();
    let is_here = |process: &Facts| {
        let seen = Seen::of(process.clone());
        let running = Running::new(&seen.facts, seen.environment.as_deref());
        // `PWD` may be that of whoever started it elsewhere
        let is_started_here = running.started_in() == Some(folder) || process.cwd.as_deref() == Some(folder);
        let is_known = known.iter().any(|root| root.identity == process.identity() || root.began(process.session));
        is_started_here
            && process.uid == Some(geteuid().as_raw())
            && seen.mark.is_none()
            && !is_known
            && above.iter().all(|stat| stat.pid != process.pid)
    };
    let mut here: Vec<(u16, Facts)> = Vec::new();
    for holding in holdings {
        let number = holding.socket.local.port();
        here.extend(holding.process.filter(is_here).map(|process| (number, process)));
    }
    here.sort_by_key(|(number, process)| (*number, process.started_at));
    let (mut found, mut ports, mut processes) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (number, process) in here {
        let is_first = ports.insert(number);
        if is_first && processes.insert(process.identity()) {
            found.push((Port { number, protocol: Protocol::Tcp }, process));
        }
    }
    Ok(found)
}

/// One whose command line is not to be seen cannot be started again.
fn listener(port: Port, process: &Facts, folder: &Path) -> Option<Found> {
    let command = with_port(&typed::command(process, folder)?, Some(port));
    let spec = ServiceSpec { command, port: Some(port.into()), ..ServiceSpec::default() };
    let identity = process.identity();
    Some(Found { spec, record: None, identity, port: Some(port), variables: Vec::new(), left_out: Vec::new() })
}

/// Puts `{port}` where the port's number stands by itself.
fn with_port(words: &[String], port: Option<Port>) -> Vec<std::ffi::OsString> {
    let replaced = |word: &String| {
        let Some(number) = port.map(|port| port.number.to_string()) else { return word.clone() };
        let (mut made, mut rest) = (String::new(), word.as_str());
        while let Some(at) = rest.find(&number) {
            let (before, after) = (&rest[..at], &rest[at + number.len()..]);
            let is_part = |one: Option<char>| one.is_some_and(char::is_alphanumeric);
            let is_whole = !is_part(before.chars().next_back()) && !is_part(after.chars().next());
            made.extend([before, if is_whole { "{port}" } else { &number }]);
            rest = after;
        }
        made + rest
    };
    words.iter().map(|word| replaced(word).into()).collect()
}

/// Names a service by what it runs: the script or the module of an interpreter, else the program.
fn named(spec: &ServiceSpec) -> String {
    let words: Vec<_> = spec.command.iter().map(|word| word.to_string_lossy()).collect();
    let script = |word: &str| {
        let path = Path::new(word);
        typed::is_script(path).then(|| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
    };
    let stem = match words.iter().skip(1).position(|word| !word.starts_with('-')).map(|at| at + 1) {
        Some(at) if words[at - 1] == "-m" => Some(words[at].to_string()),
        Some(at) => script(&words[at]),
        None => None,
    };
    let stem = stem.unwrap_or_else(|| spec.program());
    let letter = |one: char| if one.is_ascii_alphanumeric() || one == '_' { one } else { '-' };
    let name: String = stem.chars().map(letter).collect();
    table(name.trim_matches('-').to_owned())
}

/// Names its table: a number would be a port, and profiles have theirs.
fn table(name: String) -> String {
    if name.is_empty() || name == "profile" || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("server-{name}").trim_matches('-').to_owned();
    }
    name
}

impl Found {
    /// Returns the processes that hold its port, or are it.
    pub(super) fn holdings(&self) -> Result<Vec<Holding>, Failure> {
        match self.port {
            Some(port) => Ok(crate::server::port::look(port).map_err(ReadyError::from)?),
            None => Ok(Holding::of_running(self.identity).into_iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_what_it_runs_and_its_port_is_replaced_where_it_stands_alone() {
        for (line, name, command) in [
            ("python3 -m http.server 8000", "http-server", "python3 -m http.server {port}"),
            ("node server.js --port=8000 x8000 80001", "server", "node server.js --port={port} x8000 80001"),
            ("/usr/bin/redis-server 127.0.0.1:8000", "redis-server", "/usr/bin/redis-server 127.0.0.1:{port}"),
            ("profile", "server-profile", "profile"),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let spec = ServiceSpec { command: with_port(&words, Some(Port::tcp(8000))), ..ServiceSpec::default() };
            let shown = spec.command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
            assert_eq!(shown, command);
            assert_eq!(named(&spec), name);
        }
    }
}
