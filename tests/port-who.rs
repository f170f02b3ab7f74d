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

/// The record as the contract has it: a key that is missing, new or of another type fails the test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    port: u16,
    protocol: String,
    address: String,
    #[serde(deserialize_with = "present")]
    peer: Option<String>,
    state: String,
    #[serde(deserialize_with = "present")]
    inode: Option<u64>,
    #[serde(deserialize_with = "present")]
    uid: Option<u32>,
    #[serde(deserialize_with = "present")]
    user: Option<String>,
    #[serde(deserialize_with = "present")]
    pid: Option<u32>,
    #[serde(deserialize_with = "present")]
    start_id: Option<u64>,
    #[serde(deserialize_with = "present")]
    ppid: Option<u32>,
    #[serde(deserialize_with = "present")]
    name: Option<String>,
    #[serde(deserialize_with = "present")]
    command: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    executable: Option<String>,
    #[serde(deserialize_with = "present")]
    cwd: Option<String>,
    #[serde(deserialize_with = "present")]
    started_at: Option<String>,
    #[serde(deserialize_with = "present")]
    uptime_seconds: Option<f64>,
    #[serde(deserialize_with = "present")]
    orphan: Option<bool>,
    #[serde(deserialize_with = "present")]
    netns: Option<u64>,
}

/// serde takes a missing key of an optional field for `null`; with a function of its own it does not.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

fn decode<T: for<'de> Deserialize<'de>>(text: &str) -> Vec<T> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
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
