//! The servers as a table for people, as JSON Lines, as bare PIDs.

use std::io::{self, Write};

use proc_tree::cli::{
    duration, size,
    table::Table,
    terminal::{Look, PID},
};
use serde::Serialize;

use crate::status::{Entry, State};

/// The JSON form of a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the contract names the keys")]
pub struct Line {
    pub name: String,
    pub port: u16,
    pub state: State,
    pub running: bool,
    pub pid: Option<u32>,
    pub start_id: Option<u64>,
    pub healthy: bool,
    pub restarts: u32,
    pub uptime_seconds: Option<f64>,
    pub cpu_percent: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub url: Option<String>,
    pub log: Option<String>,
    pub reason: Option<String>,
}

impl Line {
    fn of(entry: &Entry) -> Self {
        let round = |number: f64| (number * 1000.0).round() / 1000.0;
        Self {
            name: entry.name.clone(),
            port: entry.port,
            state: entry.state,
            running: entry.identity.is_some(),
            pid: entry.identity.map(|identity| identity.pid),
            start_id: entry.identity.map(|identity| identity.start_id),
            healthy: entry.healthy,
            restarts: entry.restarts,
            uptime_seconds: entry.uptime.map(|uptime| round(uptime.as_secs_f64())),
            cpu_percent: entry.cpu_percent.map(round),
            memory_bytes: entry.memory,
            url: entry.url.clone(),
            log: entry.log.as_ref().map(|path| path.to_string_lossy().into_owned()),
            reason: entry.reason.clone(),
        }
    }
}

/// Writes one JSON object per line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json(entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    for entry in entries {
        serde_json::to_writer(&mut *out, &Line::of(entry))?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes the PIDs of the servers that run, in ascending order.
///
/// # Errors
/// When `out` cannot be written to.
pub fn pids(entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    let mut pids: Vec<u32> = entries.iter().filter_map(|entry| Some(entry.identity?.pid)).collect();
    pids.sort_unstable();
    pids.dedup();
    for pid in pids {
        writeln!(out, "{pid}")?;
    }
    out.flush()
}

/// Writes a row per server.
///
/// # Errors
/// When `out` cannot be written to.
pub fn table(entries: &[Entry], out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let header = ["NAME", "PORT", "STATE", "HEALTHY", "PID", "RESTARTS", "UP", "CPU", "MEMORY", "URL"];
    let mut table = Table::new(header).styled(4, PID);
    for entry in entries {
        table.row(row(entry));
    }
    if !table.is_empty() {
        table.write(out, look)?;
    }
    out.flush()
}

/// The last column says where it answers, or else why not.
fn row(entry: &Entry) -> Vec<String> {
    let known = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    let healthy = match (entry.identity, entry.healthy) {
        (None, _) => "–",
        (Some(_), true) => "yes",
        (Some(_), false) => "no",
    };
    let last = match (&entry.reason, &entry.url) {
        (Some(reason), Some(url)) if !entry.healthy => format!("{url}: {reason}"),
        (_, Some(url)) => url.clone(),
        (reason, None) => reason.clone().unwrap_or_default(),
    };
    vec![
        entry.name.clone(),
        entry.port.to_string(),
        entry.state.word().into(),
        healthy.into(),
        known(entry.identity.map(|identity| identity.to_string())),
        entry.restarts.to_string(),
        known(entry.uptime.map(duration::uptime)),
        known(entry.cpu_percent.map(|percent| format!("{percent:.1}%"))),
        known(entry.memory.map(size::display)),
        last,
    ]
}
