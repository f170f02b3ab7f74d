//! health-wait, run as a user runs it: block until it is healthy.

mod support;

#[path = "health-wait/certificates.rs"]
mod certificates;
#[path = "health-wait/command_line.rs"]
mod command_line;
#[path = "health-wait/down.rs"]
mod down;
#[path = "health-wait/expectations.rs"]
mod expectations;
#[path = "health-wait/grpc.rs"]
mod grpc;
#[path = "health-wait/hostile.rs"]
mod hostile;
#[path = "health-wait/installed.rs"]
mod installed;
#[path = "health-wait/peers.rs"]
mod peers;
#[path = "health-wait/process.rs"]
mod process;
#[path = "health-wait/progress.rs"]
mod progress;
#[path = "health-wait/request.rs"]
mod request;
#[path = "health-wait/resolver.rs"]
mod resolver;
#[path = "health-wait/server.rs"]
mod server;
#[path = "health-wait/targets.rs"]
mod targets;

use serde::Deserialize;
use support::{Output, Tool};

/// Prepares a run that is expected to succeed in silence.
fn health_wait() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_health-wait"))
}

/// A record, decoded strictly: a key that comes, goes or changes its type fails the tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    target: String,
    healthy: bool,
    address: Option<String>,
    attempts: u64,
    waited_ms: u64,
    latency_ms: Option<u64>,
    status: Option<u16>,
    last_error: Option<String>,
}

/// Decodes the records of a run with `--json`; every key must be there.
fn records(output: &Output) -> Vec<Record> {
    let keys = ["target", "healthy", "address", "attempts", "waited_ms", "latency_ms", "status", "last_error"];
    let lines = output.stdout.lines().map(|line| {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).expect("an object per line");
        assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>().len(), keys.len(), "{line}");
        assert!(keys.iter().all(|&key| object.contains_key(key)), "{line}");
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
    });
    lines.collect()
}

/// Decodes the only record of a run with `--json`.
fn record(output: &Output) -> Record {
    let mut records = records(output);
    assert_eq!(records.len(), 1, "{}", output.stdout);
    records.remove(0)
}
