//! The account in words: a line per process and a count for people, JSON Lines for programs.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use proc_tree::Signal;
use proc_tree::cli::{duration, size, table::Table, terminal::Look, text};

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
    let signal = process.signal.map(Signal::name);
    let elapsed = process.elapsed.map(duration::elapsed).unwrap_or_default();
    let said = match (process.outcome, signal, process.ignored) {
        (Outcome::Killed, Some(signal), Some(ignored)) => format!("{ignored} ignored, {signal} after {elapsed}"),
        (Outcome::Survived, Some(signal), Some(ignored)) => format!("{ignored} and {signal}, {elapsed}"),
        (Outcome::Terminated | Outcome::Killed | Outcome::Survived, Some(signal), _) => format!("{signal}, {elapsed}"),
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
    let is_held = |number| report.ports.iter().any(|port| port.port == number && !port.free);
    let mut ports: Vec<u16> = report.ports.iter().map(|port| port.port).collect();
    ports.retain(|&port| verb != "freed" || !is_held(port));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Holder;

    const GIB: u64 = 1 << 30;

    fn process(port: u16, pid: u32, outcome: Outcome) -> ProcessOutcome {
        ProcessOutcome {
            pid: Some(pid),
            name: Some("python3".into()),
            signal: Some(Signal::TERM),
            elapsed: Some(Duration::from_millis(310)),
            memory: Some(20 * GIB),
            ..ProcessOutcome::of_port(port, outcome)
        }
    }

    fn port(port: u16, free: bool) -> PortOutcome {
        PortOutcome { port, protocol: None, free, reason: None, held_by: Vec::new() }
    }

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        lines(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the lines are text")
    }

    #[test]
    fn the_lines_align_and_the_count_tells_what_was_freed() {
        let killed = ProcessOutcome {
            signal: Some(Signal::KILL),
            ignored: Some(Signal::TERM),
            elapsed: Some(Duration::from_secs(5)),
            ..process(5001, 513, Outcome::Killed)
        };
        let mut unseen = ProcessOutcome::of_port(5432, Outcome::Denied);
        unseen.reason = Some("owner not visible to you (user postgres)".into());
        let processes = vec![process(5001, 4711, Outcome::Terminated), killed, unseen];
        let report = Report { processes, ports: vec![port(5001, true), port(5432, false)], ..Report::default() };
        let expected = "\
5001  terminated  python3 (4711, 20.0 GiB)  SIGTERM, 0.31 s
5001  killed      python3 (513, 20.0 GiB)   SIGTERM ignored, SIGKILL after 5.00 s
5432  denied      owner not visible to you (user postgres)
freed 5001: 2 processes, 40.0 GiB
";
        assert_eq!(written(&report), expected);
    }

    #[test]
    fn a_process_on_two_ports_counts_once_and_a_port_that_is_held_is_not_freed() {
        let processes = [8000, 8001, 8002].map(|port| process(port, 7, Outcome::Terminated)).to_vec();
        let ports = vec![port(8000, true), port(8001, true), port(8002, false)];
        let report = Report { processes, ports, ..Report::default() };
        assert!(written(&report).ends_with("\nfreed 8000, 8001: 1 process, 20.0 GiB\n"));
    }

    #[test]
    fn what_a_process_calls_itself_cannot_move_the_cursor() {
        let evil = ProcessOutcome { name: Some("\x1b[2J\nfreed".into()), ..process(80, 7, Outcome::Survived) };
        let report = Report { processes: vec![evil], ports: vec![port(80, false)], ..Report::default() };
        let lines = written(&report);
        assert!(!lines.contains('\x1b') && lines.lines().count() == 1, "{lines}");
        assert!(!interruption(&report, Signal::INT).contains('\x1b'));
    }

    #[test]
    fn a_held_port_says_why_only_where_no_line_above_does() {
        let refused = ProcessOutcome { outcome: Outcome::Refused, ..process(80, 7, Outcome::Refused) };
        let holder = |pid| Holder { pid: Some(pid), start_id: None, name: None, user: None };
        let held = |pid| PortOutcome { reason: Some("why".into()), held_by: vec![holder(pid)], ..port(80, false) };
        let report = Report { processes: vec![refused], ..Report::default() };
        assert_eq!(still_held(&report, &held(7)), "port-kill: port 80 is still held");
        assert_eq!(still_held(&report, &held(8)), "port-kill: port 80 is still held: why");
    }
}
