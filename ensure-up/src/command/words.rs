//! What the command says to a person: what was done, and why it was not, with what would help.

use std::io::Write;

use ensure_up::{
    Action, Failure, Holding, Outcome, Port, Ports, Service,
    log::last,
    report::{
        explanation::{Explanation, LOG_ENDS, LogEnd, TRY_AGAIN, continued},
        moment,
        start_record::StartRecord,
    },
};
use proc_tree::{
    Identity,
    cli::{
        command_line::quoted,
        duration, size,
        terminal::{Look, PID},
        text,
    },
    process,
    usage::memory::{self, Measure},
    users,
};
use regex::Regex;

/// Says something on standard error; there is nothing left to do when that is closed.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says in one line what was done.
pub(super) fn sentence(outcome: &Outcome, look: &Look) -> String {
    let Outcome { name, port, .. } = outcome;
    let pid = outcome.identity.map_or_else(|| nobody(port.is_some()).into(), |identity| pid(identity, look));
    let took = duration::elapsed(outcome.took);
    let port = port.map_or_else(String::new, |port| format!(" on port {port}"));
    let head = format!("{} {}{port}", outcome.action.word(), text::escape(name));
    match outcome.action {
        action if action.is_start() => format!("{head} in {took} ({pid})"),
        Action::Joined => format!("{head} after {took} ({pid})"),
        _ => {
            let because =
                outcome.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", text::escape(reason)));
            let is_watched = look.columns.is_some();
            let uses = outcome.identity.map_or_else(String::new, |process| uses(process, is_watched));
            format!("{head} ({pid}{uses}){because}")
        }
    }
}

/// Says why there is no PID: where nothing has a port, there was a job.
pub(super) fn nobody(has_port: bool) -> &'static str {
    if has_port { "owner not visible to you" } else { "ended with status 0" }
}

/// Writes `pid 4711`, with the number in the style of PIDs.
pub(super) fn pid(identity: Identity, look: &Look) -> String {
    format!("pid {}", look.paint(PID, &identity.to_string()))
}

/// Says how to stop a server and to see its log, for somebody who never started one here.
pub(super) fn handling(service: &Service, port: Option<Port>) -> String {
    let handle = handle(service).or(port.map(|port| port.to_string())).unwrap_or_default();
    format!("; stop: ensure-up --stop {handle}; log: ensure-up --logs {handle}")
}

/// Returns the word that means the service's server here: its name, else its port.
fn handle(service: &Service) -> Option<String> {
    let name = service.id.name.as_ref().map(|name| text::escape(&quoted(name)).into_owned());
    name.or_else(|| Some(service.ports?.only()?.to_string()))
}

/// `, up 2h14m, 19.8 GiB`, as far as it is known; nobody waits for the exact memory of a server that a script finds up.
fn uses(process: Identity, is_watched: bool) -> String {
    let Some(age) = age(process) else { return String::new() };
    let memory = memory(process.pid, is_watched).map_or_else(String::new, |memory| format!(", {memory}"));
    format!(", {age}{memory}")
}

/// `up 2h14m`; `None` where the process is gone.
pub(super) fn age(of: Identity) -> Option<String> {
    let stat = process::stat_of(of).ok().flatten()?;
    Some(format!("up {}", duration::uptime(stat.uptime())))
}

/// The memory of a tree. The proportional share costs 10 to 40 ms for each GiB, too much for a message: that of a large one is
/// its resident memory, and called that, as where it need not be exact.
fn memory(pid: u32, is_exact: bool) -> Option<String> {
    const LARGE: u64 = 512 << 20;
    let resident = memory::resident_of_tree(pid).ok().flatten()?;
    let exact = if !is_exact || resident > LARGE { None } else { memory::of_tree(pid).ok().flatten() };
    let exact = exact.filter(|(_, measure)| *measure != Measure::Rss);
    let exact = exact.and_then(|(memory, measure)| memory.by(measure)).map(size::display);
    Some(exact.unwrap_or_else(|| format!("{} rss", size::display(resident))))
}

/// Describes a service that is not up.
pub(super) fn failed(failure: &Failure, service: &Service) -> StartRecord {
    StartRecord::failed(&service.name(), service.ports.and_then(Ports::only), failure, text::failure(failure))
        .in_folder(&service.id.folder)
}

/// Explains a failure that is all in its message.
pub(super) fn message(message: String) -> Explanation {
    Explanation { message, ..Explanation::default() }
}

/// Explains why a server is not up: the message, the end of its log, who holds its port, hints.
pub(super) fn explain(failure: &Failure, service: &Service) -> Explanation {
    let log = failure.log().map(|path| {
        let lines = last::lines(path, last::SHOWN);
        let shown_by = handle(service).map_or_else(|| text::path(path), |handle| format!("ensure-up --logs {handle}"));
        LogEnd { shown_by, lines: lines.iter().map(|line| text::escape(line).into_owned()).collect() }
    });
    let mut explanation = Explanation { log, ..concerning(failure) };
    if let Failure::Broken { reason, .. } = failure {
        if explanation.log.is_some()
            && let Some(end) = explanation.message.find(LOG_ENDS)
        {
            // it stands below
            explanation.message.truncate(end);
        }
        let holds = service.spec.supervision.hold_socket.is_some();
        explanation.hints.extend(Some(TAKE_SOCKET.into()).filter(|_| holds && binds_itself(reason)));
    }
    explanation
}

/// Explains a failure without a log: the message, who holds the port, hints.
fn concerning(failure: &Failure) -> Explanation {
    let is_own = matches!(failure, Failure::Another { .. } | Failure::Changed { .. });
    let mut details: Vec<String> = Vec::new();
    for holding in failure.holdings() {
        let shown = holder(holding, is_own);
        // one that listens on two addresses holds the port twice
        details.extend(Some(shown).filter(|shown| !details.contains(shown)));
    }
    Explanation {
        details,
        hints: hint(failure).into_iter().collect(),
        ..message(moment::local(&text::failure(failure)).into_owned())
    }
}

/// Explains that a server is not gone, or that another one is where it was: what would free the port.
pub(super) fn in_the_way(failure: &Failure) -> Explanation {
    let explanation = concerning(failure);
    match freeing(failure) {
        Some(frees) => Explanation { hints: vec![frees], ..explanation },
        None => explanation,
    }
}

/// Describes a holder; of one of this user's own services whose and where is told already.
fn holder(holding: &Holding, is_own: bool) -> String {
    let Some(process) = &holding.process else {
        let user = holding
            .socket
            .as_ref()
            .and_then(|socket| socket.uid)
            .map_or_else(|| "?".into(), |uid| users::name(uid).unwrap_or_else(|| uid.to_string()));
        return format!("?  (not visible to you)   user {user}");
    };
    let mut facts = Vec::new();
    if !is_own {
        facts.extend(process.user().map(|user| format!("user {user}")));
        facts.extend(process.cwd.as_ref().map(|cwd| format!("folder {}", text::path(cwd))));
    }
    facts.push(format!("up {}", duration::uptime(process.uptime())));
    facts.extend(memory(process.pid, true));
    format!("{}  {}   {}", process.pid, text::escape(&process.command_line()), facts.join(", "))
}

/// What helps a server that binds the port which is held for it.
const TAKE_SOCKET: &str = "with --hold-socket the server takes its socket from descriptor 3 (LISTEN_FDS) and does not bind \
    the port itself: uvicorn --fd 3, gunicorn without --bind, node listen({fd: 3})";

/// Tells whether a server ended because its address was in use.
fn binds_itself(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    ["address already in use", "eaddrinuse"].iter().any(|words| reason.contains(words))
        && !reason.contains("could not be started")
}

fn hint(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Stopped { failure, .. } => hint(failure),
        Failure::Changed { .. } => Some("--restart-if-changed restarts it".into()),
        Failure::Another { .. } => {
            let frees = freeing(failure)?;
            Some(format!("{frees}; --replace stops it and starts this one; or take another port"))
        }
        Failure::Foreign { holdings, .. } => {
            let frees = freeing(failure)?;
            Some(accepting(holdings).map_or_else(|| frees.clone(), |accepts| format!("{frees}; {accepts}")))
        }
        Failure::Broken { .. } => Some(TRY_AGAIN.into()),
        Failure::Halted { supervisor, .. } => Some(continued(*supervisor)),
        _ => None,
    }
}

/// Says what frees a port that is another's.
fn freeing(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Another { at, .. } => Some(format!("ensure-up --stop {at} stops it")),
        Failure::Foreign { port, holdings, .. } => {
            let is_visible = holdings.iter().any(|holding| holding.process.is_some());
            let sudo = if is_visible { "" } else { "sudo " };
            Some(format!("{sudo}port-kill {port} frees it"))
        }
        _ => None,
    }
}

/// Says what takes what holds a port, or its place.
fn accepting(holdings: &[Holding]) -> Option<String> {
    let process = Holding::processes(holdings).next()?;
    let pattern = pattern(&process.command_line()).replace('\'', "'\\''");
    Some(format!("--replace does both; --match '{pattern}' accepts it"))
}

/// Returns a pattern that a command line matches and a person can read: the program's name and what follows, whole words as
/// far as they fit and could stand in a shell's quotes on one line.
fn pattern(line: &str) -> String {
    const LONGEST: usize = 60;
    let (program, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let program = program.rsplit('/').next().unwrap_or(program);
    if program.is_empty() || text::escape(program) != program {
        return text::escape(&regex::escape(line)).into_owned();
    }
    let mut shown = program.to_owned();
    for (place, word) in arguments.split(' ').filter(|_| !arguments.is_empty()).enumerate() {
        let fits = place == 0 || shown.len() + word.len() < LONGEST;
        if !fits || text::escape(word) != word {
            break;
        }
        shown.extend([" ", word]);
    }
    let is_pattern = Regex::new(&shown).is_ok_and(|pattern| pattern.is_match(line));
    if is_pattern {
        return shown;
    }
    // a dot that matches any character matches itself as well, and reads better
    let escaped = |one: char| if r"\+*?()|[]{}^$".contains(one) { format!("\\{one}") } else { one.to_string() };
    shown.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_offered_matches_and_can_be_read() {
        for (line, expected) in [
            ("/usr/bin/node server.js", "node server.js"),
            ("node", "node"),
            ("python3 -c import socket,time\ns=socket.socket()", "python3 -c import"),
            ("/usr/bin/python3 -c f(x) + 1", "python3 -c f\\(x\\) \\+ 1"),
            ("redis-server *:6379", "redis-server \\*:6379"),
        ] {
            assert_eq!(pattern(line), expected);
        }
        let long = format!("/opt/{0}/bin/java -cp {0} {0} Main", "x".repeat(50));
        let short = pattern(&long);
        assert_eq!(short, format!("java -cp {}", "x".repeat(50)));
        for line in [long.as_str(), "\u{1b}[31m *x", "a  b", "", "./a/ b"] {
            let pattern = Regex::new(&pattern(line)).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert!(pattern.is_match(line), "{line:?} {pattern}");
        }
    }
}
