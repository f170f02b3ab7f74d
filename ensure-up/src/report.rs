//! What was done, in words for people, as JSON Lines, as bare PIDs; and why it was not.

pub(crate) mod outcome;
pub mod status;

use std::io::{self, Write};

use port_who::Holding;
use proc_tree::{
    Facts, Identity,
    cli::{duration, size, text},
    users,
};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::{Action, Failure, Outcome, Record, log::rotate};

/// The JSON form of an outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the contract names the keys")]
pub struct Line {
    pub name: String,
    pub port: Option<u16>,
    pub action: Action,
    pub pid: Option<u32>,
    pub start_id: Option<u64>,
    pub pids: Vec<u32>,
    pub healthy: bool,
    pub ready_ms: Option<u64>,
    pub url: Option<String>,
    pub log: Option<String>,
    pub restarts: u32,
    pub reason: Option<String>,
}

impl Line {
    /// Writes out a server that is up.
    pub fn up(outcome: &Outcome) -> Self {
        Self {
            name: outcome.name.clone(),
            port: Some(outcome.port),
            action: outcome.action,
            pid: outcome.identity.map(|identity| identity.pid),
            start_id: outcome.identity.map(|identity| identity.start_id),
            pids: outcome.pids.clone(),
            healthy: true,
            ready_ms: u64::try_from(outcome.took.as_millis()).ok(),
            url: Some(outcome.url.clone()),
            log: outcome.log.as_ref().map(|path| path.to_string_lossy().into_owned()),
            restarts: outcome.restarts,
            reason: outcome.reason.clone(),
        }
    }

    /// Writes out a server that is not up; `why` is the message without its hints.
    pub fn failed(name: &str, port: Option<u16>, failure: &Failure, why: &str) -> Self {
        Self {
            port,
            pids: crate::server::standing::pids(failure.holdings()),
            log: failure.log().map(|path| path.to_string_lossy().into_owned()),
            ..Self::not_up(name, why.into())
        }
    }

    /// Writes out a service that was not even tried, or whose start left no record.
    pub(crate) fn not_up(name: &str, why: String) -> Self {
        Self {
            name: name.into(),
            port: None,
            action: Action::Failed,
            pid: None,
            start_id: None,
            pids: Vec::new(),
            healthy: false,
            ready_ms: None,
            url: None,
            log: None,
            restarts: 0,
            reason: Some(why),
        }
    }

    /// Writes out a server that was stopped, or did not run.
    pub fn stopped(record: &Record, identity: Option<Identity>) -> Self {
        Self {
            name: record.name.clone(),
            port: Some(record.port),
            action: Action::Stopped,
            pid: identity.map(|identity| identity.pid),
            start_id: identity.map(|identity| identity.start_id),
            pids: Vec::new(),
            healthy: false,
            ready_ms: None,
            url: None,
            log: record.log.as_ref().map(|path| path.to_string_lossy().into_owned()),
            restarts: record.restarts,
            reason: identity.is_none().then(|| "not running".into()),
        }
    }

    /// Writes the line.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)?;
        out.flush()
    }
}

/// Says in one line what was done.
pub fn sentence(outcome: &Outcome) -> String {
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
    format!(
        ", up {}{}",
        duration::uptime(facts.uptime()),
        memory(facts.pid).map_or_else(String::new, |bytes| format!(", {}", size::display(bytes)))
    )
}

/// The resident memory of a tree: its proportional share costs milliseconds for each GiB, too much for a message.
fn memory(pid: u32) -> Option<u64> {
    proc_tree::usage::memory::resident_of_tree(pid).ok().flatten()
}

/// Says in lines why a server is not up: the message, what belongs to it, hints.
pub fn failure(failure: &Failure, message: &str) -> Vec<String> {
    let mut lines = vec![message.to_owned()];
    if let Some(path) = failure.log() {
        let tail = rotate::tail(path, rotate::TAIL_LINES);
        let shown = text::path(path);
        if tail.is_empty() {
            lines[0].extend(["; its log ", &shown, " is empty"]);
        } else {
            lines[0].extend(["; the end of ", &shown, ":"]);
            lines.extend(tail.iter().map(|line| format!("  {}", text::escape(line))));
        }
    }
    lines.extend(failure.holdings().iter().map(holder));
    lines.extend(hints(failure));
    lines
}

fn holder(holding: &Holding) -> String {
    let Some(process) = &holding.process else {
        let user =
            holding.socket.uid.map_or_else(|| "?".into(), |uid| users::name(uid).unwrap_or_else(|| uid.to_string()));
        return format!("  ?  (not visible to you)   user {user}");
    };
    let mut facts = Vec::new();
    facts.extend(process.user.as_ref().map(|user| format!("user {user}")));
    facts.extend(process.cwd.as_ref().map(|cwd| format!("folder {}", text::path(cwd))));
    facts.push(format!("up {}", duration::uptime(process.uptime())));
    facts.extend(memory(process.pid).map(size::display));
    format!("  {}  {}   {}", process.pid, text::escape(&process.command_line()), facts.join(", "))
}

fn hints(failure: &Failure) -> Vec<String> {
    let Failure::Foreign { port, holdings } = failure else { return Vec::new() };
    let process = holdings.iter().find_map(|holding| holding.process.as_ref());
    let Some(process) = process else { return vec![format!("hint: sudo port-kill {port} frees it")] };
    let line = process.command_line();
    let is_pattern = Regex::new(&line).is_ok_and(|pattern| pattern.is_match(&line));
    let pattern = if is_pattern { line } else { regex::escape(&line) }.replace('\'', "'\\''");
    vec![format!(
        "hint: port-kill {port} frees it; --replace does both; --match '{}' accepts it",
        text::escape(&pattern)
    )]
}
