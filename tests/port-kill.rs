//! port-kill, run as a user runs it: free these ports, and prove it.
#![cfg(target_os = "linux")]

mod support;

#[path = "port-kill/descriptors.rs"]
mod descriptors;
#[path = "port-kill/families.rs"]
mod families;
#[path = "port-kill/freed.rs"]
mod freed;
#[path = "port-kill/halted.rs"]
mod halted;
#[path = "port-kill/hidden.rs"]
mod hidden;
#[path = "port-kill/in_use.rs"]
mod in_use;
#[path = "port-kill/installed.rs"]
mod installed;
#[path = "port-kill/interactive.rs"]
mod interactive;
#[path = "port-kill/peers.rs"]
mod peers;
#[path = "port-kill/refused.rs"]
mod refused;
#[path = "port-kill/selected.rs"]
mod selected;
#[path = "port-kill/stdin.rs"]
mod stdin;
#[path = "port-kill/stop.rs"]
mod stop;
#[path = "port-kill/supervisors.rs"]
mod supervisors;
#[path = "port-kill/usage.rs"]
mod usage;
#[path = "port-kill/waiting.rs"]
mod waiting;
#[path = "port-kill/wrappers.rs"]
mod wrappers;

use serde::{Deserialize, de::DeserializeOwned};
use support::{Fixture, Output, Tool, free_port};

const BINARY: &str = env!("CARGO_BIN_EXE_port-kill");

/// Ports that nobody serves by now (RFC 862 and 864). One that the kernel picks could be another test's in a moment.
const NOBODYS: [u16; 2] = [7, 19];

fn port_kill() -> Tool {
    Tool::new(BINARY)
}

/// Returns a free port on the loopback address: freeing it must not hit somebody else's socket that has the same number.
fn quiet_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// The records.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessRecord {
    kind: String,
    port: Option<u16>,
    pid: Option<u32>,
    start_id: Option<u64>,
    name: Option<String>,
    role: String,
    outcome: String,
    signal: Option<String>,
    elapsed_ms: Option<u64>,
    reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PortRecord {
    kind: String,
    port: u16,
    protocol: Option<String>,
    free: bool,
    reason: Option<String>,
    held_by: Vec<HeldBy>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldBy {
    pid: Option<u32>,
    start_id: Option<u64>,
    name: Option<String>,
    user: Option<String>,
}

/// What a run with `--json` said.
#[derive(Debug)]
struct Said {
    processes: Vec<ProcessRecord>,
    ports: Vec<PortRecord>,
}

impl Said {
    fn by(output: &Output) -> Self {
        let of_kind =
            |kind: &str| output.records().into_iter().filter(|record| record["kind"] == kind).collect::<Vec<_>>();
        let (processes, ports) = (of_kind("process"), of_kind("port"));
        assert_eq!(processes.len() + ports.len(), output.records().len(), "only these kinds: {}", output.stdout);
        Self { processes: decode(processes), ports: decode(ports) }
    }

    fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> = self.processes.iter().filter_map(|process| process.pid).collect();
        pids.sort_unstable();
        pids
    }

    /// Returns the outcome of a process.
    fn outcome(&self, pid: u32) -> &str {
        &self.process(pid).outcome
    }

    fn process(&self, pid: u32) -> &ProcessRecord {
        self.processes.iter().find(|process| process.pid == Some(pid)).unwrap_or_else(|| panic!("{pid} in {self:?}"))
    }

    fn all_are_free(&self) -> bool {
        self.ports.iter().all(|port| port.free && port.held_by.is_empty())
    }
}

fn decode<T: DeserializeOwned>(records: Vec<serde_json::Value>) -> Vec<T> {
    let decode = |record: serde_json::Value| {
        serde_json::from_value(record.clone()).unwrap_or_else(|error| panic!("{error} in {record}"))
    };
    records.into_iter().map(decode).collect()
}

/// Runs with `--json` on the fixture's port and expects success in silence.
fn free(server: &Fixture, flags: &[&str]) -> Said {
    let output = port_kill().arg("--json").args(flags).arg(server.port().to_string()).any_stdout().run();
    let said = Said::by(&output);
    assert!(said.all_are_free(), "{said:?}");
    assert!(is_free(server.port()));
    said
}

/// Asks the kernel, not the tool.
fn is_free(port: u16) -> bool {
    port_who::sockets(&port_who::Query::holders_of(vec![port_who::PortSpec::port(port)]))
        .expect("the table is there")
        .is_empty()
}

/// Replaces the figures that differ from run to run: `(4711, 19.8 GiB)` and `0.31 s` become `(PID, SIZE)` and `TIME`.
fn without_figures(text: &str) -> String {
    let size = regex::Regex::new(r"\d+(\.\d)? [KMG]?i?B").expect("a pattern").replace_all(text, "SIZE").into_owned();
    let time = regex::Regex::new(r"\d+(\.\d+)? m?s\b").expect("a pattern").replace_all(&size, "TIME").into_owned();
    regex::Regex::new(r" +").expect("a pattern").replace_all(&time, " ").into_owned()
}
