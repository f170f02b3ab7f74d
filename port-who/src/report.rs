//! The answer in words: a table for people, JSON Lines, bare PIDs.

mod group;
mod in_use;
mod openmetrics;
mod unseen;
mod why;

use std::{
    io::{self, BufWriter, Write},
    time::SystemTime,
};

use proc_tree::{
    Facts,
    cli::{
        command_line, duration, json_lines,
        table::Table,
        terminal::{Look, PID},
    },
    users,
};

use crate::{
    answer::Answer,
    origin::Origins,
    record::{FreePort, PortRecord},
    socket::Socket,
};

pub use in_use::in_use;
pub use openmetrics::openmetrics;
pub use unseen::unseen_by_root;

use group::{Group, Line};

/// Writes one JSON object per line.
///
/// With `origins` each says where its process comes from, with `sampled_at` to which round it belongs.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json(
    answer: &Answer,
    origins: Option<&Origins>,
    sampled_at: Option<SystemTime>,
    out: &mut dyn Write,
) -> io::Result<()> {
    json_lines::write(answer.holdings.iter().map(|holding| PortRecord::of(holding, origins, sampled_at)), out)
}

/// Writes one JSON object per free port.
///
/// # Errors
/// When `out` cannot be written to.
pub fn free(ports: &[u16], out: &mut dyn Write) -> io::Result<()> {
    for &port in ports {
        serde_json::to_writer(&mut *out, &FreePort { port })?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes each PID once, in ascending order.
///
/// # Errors
/// When `out` cannot be written to.
pub fn pids(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for pid in answer.pids() {
        writeln!(out, "{pid}")?;
    }
    out.flush()
}

/// Which columns and notes a table has beyond the usual ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Detail<'o> {
    /// Where each process comes from, on a line of its own.
    pub origins: Option<&'o Origins>,
    /// State and other end.
    pub connections: bool,
    /// The network namespace.
    pub netns: bool,
}

/// Writes a row per holder of an address; a process is drawn under its parent where that holds the same address.
///
/// # Errors
/// When `out` cannot be written to.
pub fn table(answer: &Answer, detail: &Detail<'_>, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let optional = [(detail.connections, &["PEER", "STATE"][..]), (detail.netns, &["NETNS"][..])];
    let optional: Vec<&str> =
        optional.into_iter().filter(|(shown, _)| *shown).flat_map(|(_, titles)| titles).copied().collect();
    let titles = ["PORT", "PROTO", "ADDRESS"].into_iter().chain(optional.iter().copied());
    let titles = titles.chain(["PID", "USER", "UP", "COMMAND"]);
    let (pid, user, up) = (3 + optional.len(), 4 + optional.len(), 5 + optional.len());
    let mut table = Table::new(titles).styled(pid, PID).right(&[0, pid, up]).losing(&[up, user]);
    for group in group::groups(&answer.holdings) {
        for line in group.lines() {
            table.row(row(&group, &line, detail));
            if let Some((process, origins)) = line.process.filter(|_| line.depth == 0).zip(detail.origins) {
                table.note(why::line(process, origins.get(&process.pid)));
            }
        }
    }
    let mut out = BufWriter::new(out);
    if !table.is_empty() {
        table.write(&mut out, look)?;
    }
    out.flush()
}

fn row(group: &Group<'_>, line: &Line<'_>, detail: &Detail<'_>) -> Vec<String> {
    let Line { socket, process, .. } = line;
    let unknown = || "?".to_owned();
    let mut cells = vec![socket.local.port().to_string(), socket.protocol.to_string(), address(socket)];
    if detail.connections {
        cells.push(socket.peer.map_or_else(|| "–".to_owned(), |peer| peer.to_string()));
        cells.push(socket.state.to_string());
    }
    if detail.netns {
        cells.push(socket.netns.map_or_else(unknown, |netns| netns.to_string()));
    }
    let user = process.and_then(|process| process.uid).or(socket.uid);
    cells.push(process.map_or_else(unknown, |process| process.pid.to_string()));
    cells.push(user.map_or_else(unknown, users::title));
    cells.push(process.map_or_else(unknown, |process| duration::uptime(process.uptime())));
    cells.push(match process {
        Some(process) => command(process, line.depth),
        None if group.is_invisible(socket) => "(not visible to you)".to_owned(),
        None => "(no process has it open)".to_owned(),
    });
    cells
}

fn command(process: &Facts, depth: usize) -> String {
    match depth {
        0 => command_line::of(process),
        depth => format!("{:1$}└ {2}", "", (depth - 1) * 2, command_line::of(process)),
    }
}

fn address(socket: &Socket) -> String {
    let local = socket.local;
    if local.is_ipv6() { format!("[{}]", local.ip()) } else { local.ip().to_string() }
}

#[cfg(test)]
mod tests;
