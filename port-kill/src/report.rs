//! The report in words: a line per process and a count for people, JSON Lines for programs.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use proc_tree::{
    Signal,
    cli::{duration, json_lines, size, table::Table, terminal::Look},
};

use crate::outcome::{Outcome, PortOutcome, ProcessOutcome, Report};

/// What `port-kill --json` writes: one object per line.
#[derive(serde::Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "port-kill"))]
pub(crate) enum Record<'r> {
    Process(&'r ProcessOutcome),
    Port(&'r PortOutcome),
}

/// Writes a record per process, then a record per port.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let processes = report.processes.iter().map(Record::Process);
    json_lines::write(processes.chain(report.ports.iter().map(Record::Port)), out)
}

/// Writes a line per process.
///
/// # Errors
/// When `out` cannot be written to.
pub fn lines(report: &Report, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let mut table = Table::headless(4).right(&[0]).wrapping();
    for process in &report.processes {
        table.row(line(process));
    }
    let mut lines = Vec::new();
    table.write(&mut lines, &Look { color: false, ..*look })?;
    out.write_all(look.pids(&String::from_utf8_lossy(&lines)).as_bytes())?;
    out.flush()
}

/// Writes what was freed in the end, if anything was: `freed 5001: 3 processes, 59.4 GiB`.
///
/// # Errors
/// When `out` cannot be written to.
pub fn total(report: &Report, out: &mut dyn Write) -> io::Result<()> {
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
    let said = match (process.outcome, signal, process.unanswered) {
        (Outcome::Killed, Some(signal), Some(halting)) if halting.halts() => {
            format!("{halting} ends no process, {signal} after {elapsed}")
        }
        (Outcome::Killed, Some(signal), Some(unanswered)) => format!("{unanswered} ignored, {signal} after {elapsed}"),
        (Outcome::Survived, Some(signal), Some(unanswered)) => format!("{unanswered} and {signal}, {elapsed}"),
        (Outcome::Terminated | Outcome::Killed | Outcome::Survived, Some(signal), _) => format!("{signal}, {elapsed}"),
        (Outcome::WouldSignal, Some(signal), _) => signal.to_owned(),
        _ => return process.reason.clone(),
    };
    Some(match &process.reason {
        Some(reason) => format!("{said}: {reason}"),
        None => said,
    })
}

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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
        PortOutcome { port, protocol: None, free, reason: None, held_by: Vec::new(), left_alone: false, in_use: false }
    }

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        lines(report, &mut out, &Look::plain()).expect("a vector takes everything");
        total(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the lines are text")
    }

    #[test]
    fn the_lines_align_and_the_count_tells_what_was_freed() {
        let killed = ProcessOutcome {
            signal: Some(Signal::KILL),
            unanswered: Some(Signal::TERM),
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
    fn pids_have_their_colour_and_a_narrow_terminal_breaks_lines_between_words() {
        let mut killed = process(80, 7, Outcome::Survived);
        killed.reason = Some("it may be in a call that cannot be interrupted".into());
        let report = Report { processes: vec![killed, process(8000, 4711, Outcome::Terminated)], ..Report::default() };
        let mut out = Vec::new();
        let look = Look { color: true, columns: Some(60) };
        lines(&report, &mut out, &look).expect("a vector takes everything");
        let expected = [
            "  80  survived    python3 (<7>, 20.0 GiB)     SIGTERM, 0.31 s:",
            "                                            it may be in a",
            "                                            call that cannot",
            "                                            be interrupted",
            "8000  terminated  python3 (<4711>, 20.0 GiB)  SIGTERM, 0.31 s\n",
        ];
        let expected = expected.join("\n");
        let expected = expected.replace('<', "\x1b[36m").replace('>', "\x1b[0m");
        assert_eq!(String::from_utf8_lossy(&out), expected);
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
    }
}
