//! What the command says to a person: what was done, and why it was not, with what would help.

use std::io::Write;

use ensure_up::{
    Action, Failure, Outcome, Service,
    log::rotate,
    report::{explanation::Explanation, start_record::StartRecord},
};
use port_who::Holding;
use proc_tree::{
    Facts,
    cli::{duration, size, text},
    users,
};
use regex::Regex;

/// Says something on standard error; there is nothing left to do when that is closed.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says in one line what was done.
pub(super) fn sentence(outcome: &Outcome) -> String {
    let Outcome { name, port, .. } = outcome;
    let pid = outcome.identity.map_or_else(|| "owner not visible to you".into(), |identity| format!("pid {identity}"));
    let took = duration::elapsed(outcome.took);
    let head = format!("{} {} on port {port}", outcome.action.word(), text::escape(name));
    match outcome.action {
        action if action.is_start() => {
            let log = outcome.log.as_ref().map_or_else(String::new, |path| format!(", log {}", text::path(path)));
            format!("{head} in {took} ({pid}){log}")
        }
        Action::Joined => format!("{head} after {took} ({pid})"),
        _ => {
            let because =
                outcome.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", text::escape(reason)));
            format!("{head} ({pid}{}){because}", uses(outcome))
        }
    }
}

/// `, up 2h14m, 19.8 GiB`, as far as it is known.
fn uses(outcome: &Outcome) -> String {
    let facts = outcome
        .identity
        .and_then(|identity| Facts::of(identity.pid).ok().flatten().filter(|facts| facts.identity() == identity));
    let Some(facts) = facts else { return String::new() };
    let memory = memory(facts.pid).map_or_else(String::new, |memory| format!(", {memory}"));
    format!(", up {}{memory}", duration::uptime(facts.uptime()))
}

/// The resident memory of a tree: its proportional share costs milliseconds for each GiB, too much for a message.
fn memory(pid: u32) -> Option<String> {
    proc_tree::usage::memory::resident_of_tree(pid).ok().flatten().map(size::display)
}

/// Describes a service that is not up.
pub(super) fn failed(failure: &Failure, service: &Service) -> StartRecord {
    StartRecord::failed(&service.name(), service.ports.only(), failure, text::failure(failure))
        .in_folder(&service.id.folder)
}

/// Explains a failure that is all in its message.
pub(super) fn message(message: String) -> Explanation {
    Explanation { message, ..Explanation::default() }
}

/// Explains why a server is not up: the message, the end of its log, who holds its port, hints.
pub(super) fn explain(failure: &Failure) -> Explanation {
    let mut explanation = message(text::failure(failure));
    if let Some(path) = failure.log() {
        let tail = rotate::tail(path, rotate::TAIL_LINES);
        let shown = text::path(path);
        if tail.is_empty() {
            explanation.message.extend(["; its log ", &shown, " is empty"]);
        } else {
            explanation.message.extend(["; the end of ", &shown, ":"]);
            explanation.details.extend(tail.iter().map(|line| text::escape(line).into_owned()));
        }
    }
    let is_own = matches!(failure, Failure::Another { .. } | Failure::Changed { .. });
    explanation.details.extend(failure.holdings().iter().map(|holding| holder(holding, is_own)));
    explanation.hints.extend(hint(failure));
    explanation
}

/// Describes a holder; of one of this user's own services whose and where is told already.
fn holder(holding: &Holding, is_own: bool) -> String {
    let Some(process) = &holding.process else {
        let user =
            holding.socket.uid.map_or_else(|| "?".into(), |uid| users::name(uid).unwrap_or_else(|| uid.to_string()));
        return format!("?  (not visible to you)   user {user}");
    };
    let mut facts = Vec::new();
    if !is_own {
        facts.extend(process.user.as_ref().map(|user| format!("user {user}")));
        facts.extend(process.cwd.as_ref().map(|cwd| format!("folder {}", text::path(cwd))));
    }
    facts.push(format!("up {}", duration::uptime(process.uptime())));
    facts.extend(memory(process.pid));
    format!("{}  {}   {}", process.pid, text::escape(&process.command_line()), facts.join(", "))
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
        _ => None,
    }
}

/// Says what frees a port that is another's.
pub(super) fn freeing(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Another { port, .. } => Some(format!("ensure-up --stop {port} stops it")),
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
    let process = holdings.iter().find_map(|holding| holding.process.as_ref())?;
    let line = process.command_line();
    let is_pattern = Regex::new(&line).is_ok_and(|pattern| pattern.is_match(&line));
    let pattern = if is_pattern { line } else { regex::escape(&line) }.replace('\'', "'\\''");
    let pattern = text::escape(&pattern);
    Some(format!("--replace does both; --match '{pattern}' accepts it"))
}
