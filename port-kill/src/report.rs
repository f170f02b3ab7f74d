//! The account in words: a line per process and a count for people, JSON Lines for programs.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use nix::sys::signal::Signal;
use proc_tree::{duration, size, table::Table, terminal::Look, text};

use crate::{Outcome, PortOutcome, ProcessOutcome, Report};

/// Writes a record per process, then a record per port.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    #[derive(serde::Serialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Record<'r> {
        Process(&'r ProcessOutcome),
        Port(&'r PortOutcome),
    }
    let processes = report.processes.iter().map(Record::Process);
    for record in processes.chain(report.ports.iter().map(Record::Port)) {
        serde_json::to_writer(&mut *out, &record)?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes a line per process, and what was freed in the end.
///
/// # Errors
/// When `out` cannot be written to.
pub fn lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::headless(4);
    for process in &report.processes {
        table.row(line(process));
    }
    table.write(out, &Look::plain())?;
    if let Some(count) = count(report) {
        writeln!(out, "{count}")?;
    }
    out.flush()
}

fn line(process: &ProcessOutcome) -> Vec<String> {
    let port = process.port.map_or_else(|| "-".to_owned(), |port| port.to_string());
    let mut cells = vec![port, process.outcome.word().to_owned()];
    if let Some(pid) = process.pid {
        let name = process.name.as_deref().unwrap_or("?");
        let memory = process.memory.map(|memory| format!(", {}", size::display(memory))).unwrap_or_default();
        cells.push(format!("{name} ({pid}{memory})"));
    }
    cells.extend(detail(process));
    cells
}

fn detail(process: &ProcessOutcome) -> Option<String> {
    let signal = process.signal.map(Signal::as_str);
    let elapsed = process.elapsed.map(duration::elapsed).unwrap_or_default();
    let said = match (process.outcome, signal, process.ignored) {
        (Outcome::Killed, Some(signal), Some(ignored)) => format!("{ignored} ignored, {signal} after {elapsed}"),
        (Outcome::Terminated | Outcome::Killed, Some(signal), _) => format!("{signal}, {elapsed}"),
        (Outcome::Survived, Some(signal), Some(ignored)) => format!("{ignored} and {signal}, {elapsed}"),
        (Outcome::Survived, Some(signal), None) => format!("{signal}, {elapsed}"),
        (Outcome::WouldSignal, Some(signal), _) => signal.to_owned(),
        _ => return process.reason.clone(),
    };
    Some(match &process.reason {
        Some(reason) => format!("{said}: {reason}"),
        None => said,
    })
}

/// `freed 5001: 3 processes, 59.4 GiB`
fn count(report: &Report) -> Option<String> {
    let ended: Vec<&ProcessOutcome> = report.processes.iter().filter(|process| process.outcome.is_end()).collect();
    let would: Vec<&ProcessOutcome> =
        report.processes.iter().filter(|process| process.outcome == Outcome::WouldSignal).collect();
    let (verb, counted) = if would.is_empty() { ("freed", ended) } else { ("would free", would) };
    let mut ports: Vec<u16> =
        report.ports.iter().filter(|port| port.free || verb != "freed").map(|port| port.port).collect();
    ports.retain(|port| counted.iter().any(|process| process.port == Some(*port)));
    ports.dedup();
    if ports.is_empty() {
        return None;
    }
    let mut seen = HashSet::new();
    let each: Vec<&ProcessOutcome> = counted
        .into_iter()
        .filter(|process| {
            process.port.is_some_and(|port| ports.contains(&port)) && seen.insert((process.pid, process.start_id))
        })
        .collect();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let processes = if each.len() == 1 { "1 process".to_owned() } else { format!("{} processes", each.len()) };
    let memory: Option<u64> = each.iter().map(|process| process.memory).sum();
    let memory = memory.map(|memory| format!(", {}", size::display(memory))).unwrap_or_default();
    Some(format!("{verb} {}: {processes}{memory}", ports.join(", ")))
}

/// Words the end of a wait that was cut short: `port-kill: interrupted by SIGINT; signalled python3 (4711); still alive: …`
pub fn interruption(report: &Report, signal: Signal) -> String {
    let names = |chosen: &dyn Fn(&ProcessOutcome) -> bool| {
        let mut names: Vec<String> = Vec::new();
        for process in report.processes.iter().filter(|process| chosen(process)) {
            let name = process.name.as_deref().unwrap_or("?");
            let pid = process.pid.map(|pid| format!(" ({pid})")).unwrap_or_default();
            names.push(format!("{name}{pid}"));
        }
        names.dedup();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let signalled = names(&|process| process.signal.is_some());
    let alive = names(&|process| process.outcome == Outcome::Survived);
    text::escape(&format!("port-kill: interrupted by {signal}; signalled: {signalled}; still alive: {alive}"))
        .into_owned()
}

/// Words that a port is still held, and why where no line of a process says so.
pub fn still_held(report: &Report, port: &PortOutcome) -> String {
    let said = |holder: &crate::Holder| {
        report
            .processes
            .iter()
            .any(|process| process.port == Some(port.port) && process.pid == holder.pid && !process.outcome.is_end())
    };
    let reason = port.reason.as_deref().filter(|_| !port.held_by.iter().all(said));
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    text::escape(&format!("port-kill: port {} is still held{reason}", port.port)).into_owned()
}
