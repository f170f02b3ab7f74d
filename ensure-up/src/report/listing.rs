//! The servers as a table for people, as JSON Lines, as bare PIDs.

use std::io::{self, Write};

use proc_tree::{
    cli::{
        duration, json_lines, size,
        table::Table,
        terminal::{Look, PID},
        text,
    },
    usage::memory::Measure,
};
use serde::Serialize;

use super::moment;
use crate::status::{ServerStatus, State};

/// One server as it is now, as `--status` tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatusRecord {
    /// The service's name, or its command's.
    pub name: String,
    /// The folder that the service belongs to; null for a port of which nothing is known.
    pub folder: Option<String>,
    /// The command that it is started with; null for a port of which nothing is known.
    pub command: Option<Vec<String>>,
    /// The port; null for a service without one.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// What state it is in.
    pub state: State,
    /// Whether it has a process.
    pub running: bool,
    /// The process ID; null where it does not run.
    pub pid: Option<u32>,
    /// Which of the processes that have, had or will have this PID: opaque; null as `pid` is.
    pub start_id: Option<u64>,
    /// Whether it answers as it should; a job has ended with 0.
    pub healthy: bool,
    /// How often it was started again after it had ended, or hung.
    pub restarts: u32,
    /// How often it was started again because a file had changed.
    pub reloads: u32,
    /// For how long it has run, in seconds; null where it does not run.
    pub uptime_seconds: Option<f64>,
    /// The CPU that its tree uses, in percent of one core; null where it does not run, or that cannot be read.
    pub cpu_percent: Option<f64>,
    /// The memory of its tree in bytes, by `memory_measure`; null where it does not run, or that cannot be read.
    pub memory_bytes: Option<u64>,
    /// What `memory_bytes` is; null as that is.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("enum" = [Measure::Pss, Measure::Rss, Measure::Footprint, ()])))]
    pub memory_measure: Option<Measure>,
    /// Where it answers; null where it does not run, or has no address.
    pub url: Option<String>,
    /// The file that its output goes to; null where none is known.
    pub log: Option<String>,
    /// Why it is broken or not healthy, how it ended, or in what it is not as its file has it; null where there is nothing to
    /// say.
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
            memory_bytes: server.memory.map(|(bytes, _)| bytes),
            memory_measure: server.memory.map(|(_, measure)| measure),
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
    json_lines::write(servers.iter().map(StatusRecord::of), out)
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

/// The columns, in their order.
const COLUMNS: [&str; 11] =
    ["NAME", "FOLDER", "PORT", "STATE", "HEALTHY", "PID", "RESTARTS", "UP", "CPU", "MEMORY", "URL"];

const FOLDER: usize = 1;
const IDENTITY: usize = 5;
const MEMORY: usize = 9;

/// Numbers.
const RIGHT: [usize; 6] = [2, 5, 6, 7, 8, 9];

/// What a narrow terminal can do without, the first of them first: CPU, restarts, age, memory, health, PID, folder.
const EXPENDABLE: [usize; 7] = [8, 6, 7, 9, 4, 5, 1];

/// Writes a row per server, with the folder of its service if that is asked for.
///
/// # Errors
/// When `out` cannot be written to.
pub fn table(servers: &[ServerStatus], with_folders: bool, out: &mut dyn Write, look: &Look) -> io::Result<()> {
    let measure = common_measure(servers);
    let mut header = COLUMNS.map(str::to_owned);
    if let Some(measure) = measure {
        header[MEMORY] = format!("MEMORY ({})", measure.name());
    }
    let kept = |column: &usize| with_folders || *column != FOLDER;
    // where there are no folders, what stands right of them moves left
    let place = |column: &usize| if with_folders || *column < FOLDER { *column } else { *column - 1 };
    let places = |columns: &[usize]| columns.iter().filter(|column| kept(column)).map(place).collect::<Vec<_>>();
    let of = |cells: [String; 11]| {
        let all = cells.into_iter().enumerate();
        all.filter(|(column, _)| kept(column)).map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    let mut table = Table::new(of(header)).styled(place(&IDENTITY), PID);
    table = table.right(&places(&RIGHT)).losing(&places(&EXPENDABLE)).wrapping();
    for server in servers {
        table.row(of(row(server, measure.is_none())));
        if let Some(remark) = server.remark().filter(|_| is_up(server)) {
            table.note(format!("└ {}", moment::local(&remark)));
        }
    }
    if !table.is_empty() {
        table.write(out, look)?;
    }
    out.flush()
}

/// The measure goes into the header where all servers share it.
fn common_measure(servers: &[ServerStatus]) -> Option<Measure> {
    let mut measures = servers.iter().filter_map(|server| Some(server.memory?.1));
    let first = measures.next()?;
    measures.all(|measure| measure == first).then_some(first)
}

/// Tells whether nothing is to be said in place of where it answers.
fn is_up(server: &ServerStatus) -> bool {
    server.healthy && server.url.is_some() && server.differs.is_empty()
}

/// The last column says where it answers, or else why not.
fn row(server: &ServerStatus, names_measure: bool) -> [String; 11] {
    let known = |text: Option<String>| text.unwrap_or_else(|| "–".into());
    let healthy = match (server.identity, server.healthy) {
        // a job that has ended with 0 is up as well
        (_, true) => "yes",
        (None, false) => "–",
        (Some(_), false) => "no",
    };
    let last = match (server.remark(), &server.url) {
        (Some(remark), Some(url)) if !is_up(server) => format!("{url}: {remark}"),
        (_, Some(url)) => url.clone(),
        (remark, None) => remark.unwrap_or_default(),
    };
    let memory = |(bytes, measure): (u64, Measure)| {
        if names_measure { format!("{} ({})", size::display(bytes), measure.name()) } else { size::display(bytes) }
    };
    [
        server.name.clone(),
        known(server.folder.as_deref().map(text::path)),
        known(server.port.map(|port| port.to_string())),
        server.state.word().into(),
        healthy.into(),
        known(server.identity.map(|identity| identity.to_string())),
        server.restarts.to_string(),
        known(server.uptime.map(duration::uptime)),
        known(server.cpu_percent.map(|percent| format!("{percent:.1}%"))),
        known(server.memory.map(memory)),
        moment::local(&last).into_owned(),
    ]
}
