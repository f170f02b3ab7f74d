//! The answer in words: a table for people, JSON Lines, bare PIDs.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use proc_tree::{
    Facts, duration,
    table::Table,
    terminal::{Look, PID},
    users,
};

use crate::{Answer, Holding, Record, Socket};

/// Writes one JSON object per line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    for holding in &answer.holdings {
        serde_json::to_writer(&mut *out, &Record::of(holding))?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes each PID once, in ascending order.
///
/// # Errors
/// When `out` cannot be written to.
pub fn pids(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    for pid in answer.pids() {
        writeln!(out, "{pid}")?;
    }
    out.flush()
}

/// Writes a row per holder; a process below another holder of its socket is drawn under it.
///
/// # Errors
/// When `out` cannot be written to.
pub fn table(answer: &Answer, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let mut table = Table::new(["PORT", "PROTO", "ADDRESS", "PID", "USER", "UP", "COMMAND"]).styled(3, PID);
    for holding in &answer.holdings {
        let siblings: HashSet<u32> = answer
            .holdings
            .iter()
            .filter(|other| other.socket == holding.socket)
            .filter_map(|other| Some(other.process.as_ref()?.pid))
            .collect();
        table.row(row(holding, &siblings));
    }
    if !table.is_empty() {
        table.write(out, look)?;
    }
    out.flush()
}

fn row(holding: &Holding, siblings: &HashSet<u32>) -> Vec<String> {
    let Holding { socket, process } = holding;
    let unknown = || "?".to_owned();
    let user = process.as_ref().and_then(|process| process.uid).or(socket.uid);
    let mut cells = vec![socket.local.port().to_string(), socket.protocol.to_string(), address(socket)];
    cells.push(process.as_ref().map_or_else(unknown, |process| process.pid.to_string()));
    cells.push(user.map_or_else(unknown, |uid| users::name(uid).unwrap_or_else(|| uid.to_string())));
    cells.push(process.as_ref().map_or_else(unknown, |process| duration::uptime(process.uptime())));
    cells.push(match process {
        Some(process) => command(process, siblings),
        None if holding.is_invisible() => "(not visible to you)".to_owned(),
        None => "(no process has it open any more)".to_owned(),
    });
    cells
}

fn command(process: &Facts, siblings: &HashSet<u32>) -> String {
    let branch = if siblings.contains(&process.ppid) { "└ " } else { "" };
    format!("{branch}{}", process.command_line())
}

fn address(socket: &Socket) -> String {
    let local = socket.local;
    if local.is_ipv6() { format!("[{}]", local.ip()) } else { local.ip().to_string() }
}
