//! port-who, run as a user runs it: who holds these ports.
#![cfg(target_os = "linux")]

mod support;

#[path = "port-who/filters.rs"]
mod filters;
#[path = "port-who/formats.rs"]
mod formats;
#[path = "port-who/free.rs"]
mod free;
#[path = "port-who/holders.rs"]
mod holders;
#[path = "port-who/invisible.rs"]
mod invisible;
#[path = "port-who/netns.rs"]
mod netns;
#[path = "port-who/oracle.rs"]
mod oracle;
#[path = "port-who/processes.rs"]
mod processes;
#[path = "port-who/usage.rs"]
mod usage;
#[path = "port-who/watch.rs"]
mod watch;
#[path = "port-who/why.rs"]
mod why;

use serde::Deserialize;
use support::Tool;

const BINARY: &str = env!("CARGO_BIN_EXE_port-who");

fn port_who() -> Tool {
    Tool::new(BINARY)
}

/// The record where nobody asks where a process comes from: no other key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    port: u16,
    protocol: String,
    address: String,
    peer: Option<String>,
    state: String,
    inode: Option<u64>,
    uid: Option<u32>,
    user: Option<String>,
    pid: Option<u32>,
    start_id: Option<u64>,
    ppid: Option<u32>,
    name: Option<String>,
    command: Option<Vec<String>>,
    executable: Option<String>,
    cwd: Option<String>,
    started_at: Option<String>,
    uptime_seconds: Option<f64>,
    orphan: Option<bool>,
    netns: Option<u64>,
}

fn decode<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    let records = support::schema::checked("port-who", text).into_iter();
    records.map(|record| serde_json::from_value(record).expect("as the schema has it")).collect()
}

/// Asks for the records of these ports.
fn records(arguments: &[&str]) -> Vec<Record> {
    decode(&port_who().arg("--json").args(arguments).any_stdout().run().stdout)
}

fn pids(records: &[Record]) -> Vec<u32> {
    let mut pids: Vec<u32> = records.iter().filter_map(|record| record.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// What `port-who PORT` prints when these hold it.
fn lines(pids: &[u32]) -> String {
    pids.iter().map(u32::to_string).flat_map(|pid| [pid, "\n".to_owned()]).collect()
}
