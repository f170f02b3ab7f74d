//! The servers as a table for people, as JSON Lines, as bare PIDs.

use std::io::{self, Write};

use proc_tree::cli::{
    duration, size,
    table::Table,
    terminal::{Look, PID},
    text,
};
use serde::Serialize;

use crate::status::{ServerStatus, State};

/// The JSON form of a server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the contract names the keys")]
pub struct StatusRecord {
    pub name: String,
    pub folder: Option<String>,
    pub command: Option<Vec<String>>,
    pub port: Option<u16>,
    pub state: State,
    pub running: bool,
    pub pid: Option<u32>,
    pub start_id: Option<u64>,
    pub healthy: bool,
    pub restarts: u32,
    pub reloads: u32,
    pub uptime_seconds: Option<f64>,
    pub cpu_percent: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub url: Option<String>,
    pub log: Option<String>,
    pub reason: Option<String>,
}

impl StatusRecord {
    fn of(server: &ServerStatus) -> Self {
        let round = |number: f64| (number * 1000.0).round() / 1000.0;
        Self {
            name: server.name.clone(),
            folder: server.folder.as_ref().map(|path| path.to_string_lossy().into_owned()),
            command: server.command.clone(),
            port: server.port.map(|port| port.number),
            state: server.state,
            running: server.identity.is_some(),
            pid: server.identity.map(|identity| identity.pid),
            start_id: server.identity.map(|identity| identity.start_id),
            healthy: server.healthy,
            restarts: server.restarts,
            reloads: server.reloads,
            uptime_seconds: server.uptime.map(|uptime| round(uptime.as_secs_f64())),
            cpu_percent: server.cpu_percent.map(round),
            memory_bytes: server.memory,
            url: server.url.clone(),
            log: server.log.as_ref().map(|path| path.to_string_lossy().into_owned()),
            reason: server.remark(),
        }
    }
}

/// Writes one JSON object per line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn json(servers: &[ServerStatus], out: &mut dyn Write) -> io::Result<()> {
    for server in servers {
        serde_json::to_writer(&mut *out, &StatusRecord::of(server))?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes the PIDs of the servers that run, in ascending order.
///
/// # Errors
/// When `out` cannot be written to.
pub fn pids(servers: &[ServerStatus], out: &mut dyn Write) -> io::Result<()> {
    for pid in proc_tree::ascending(servers.iter().filter_map(|server| Some(server.identity?.pid))) {
        writeln!(out, "{pid}")?;
    }
    out.flush()
}

/// Writes a row per server, with the folder of its service if that is asked for.
///
/// # Errors
/// When `out` cannot be written to.
pub fn table(servers: &[ServerStatus], with_folders: bool, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let mut header = vec!["NAME", "PORT", "STATE", "HEALTHY", "PID", "RESTARTS", "UP", "CPU", "MEMORY", "URL"];
    if with_folders {
        header.insert(1, "FOLDER");
    }
    let mut table = Table::new(header).styled(if with_folders { 5 } else { 4 }, PID);
    for server in servers {
        let mut row = row(server);
        if with_folders {
            row.insert(1, server.folder.as_deref().map_or_else(|| "–".into(), text::path));
        }
        table.row(row);
    }
    if !table.is_empty() {
        table.write(out, look)?;
    }
    out.flush()
}

/// The last column says where it answers, or else why not.
fn row(server: &ServerStatus) -> Vec<String> {
    let known = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    let healthy = match (server.identity, server.healthy) {
        (None, _) => "–",
        (Some(_), true) => "yes",
        (Some(_), false) => "no",
    };
    let last = match (server.remark(), &server.url) {
        (Some(remark), Some(url)) if !server.healthy || !server.differs.is_empty() => format!("{url}: {remark}"),
        (_, Some(url)) => url.clone(),
        (remark, None) => remark.unwrap_or_default(),
    };
    vec![
        server.name.clone(),
        known(server.port.map(|port| port.to_string())),
        server.state.word().into(),
        healthy.into(),
        known(server.identity.map(|identity| identity.to_string())),
        server.restarts.to_string(),
        known(server.uptime.map(duration::uptime)),
        known(server.cpu_percent.map(|percent| format!("{percent:.1}%"))),
        known(server.memory.map(size::display)),
        last,
    ]
}
