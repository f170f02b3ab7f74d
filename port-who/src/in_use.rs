//! The ports in use with their programs, for what a person writes right now.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Query, look};

/// Lists the ports in use, each with the names and the PIDs of its holders; what cannot be seen is not listed.
fn in_use() -> BTreeMap<u16, BTreeSet<(String, u32)>> {
    let mut ports: BTreeMap<u16, BTreeSet<(String, u32)>> = BTreeMap::new();
    let Ok(answer) = look(&Query::holders_of(Vec::new())) else { return ports };
    for holding in answer.holdings {
        let holders = ports.entry(holding.socket.local.port()).or_default();
        holders.extend(holding.process.map(|process| (process.name, process.pid)));
    }
    ports
}

/// Lists what could be written where a command takes a port, a process or its name.
pub fn candidates(value: &str) -> Vec<(String, String)> {
    let ports = in_use();
    let holders = || ports.iter().flat_map(|(port, holders)| holders.iter().map(move |holder| (port, holder)));
    match value {
        "PORT" => ports.iter().map(|(port, holders)| (port.to_string(), names(holders))).collect(),
        "TARGET" => ports.iter().map(|(port, holders)| (format!(":{port}"), names(holders))).collect(),
        "PID" => {
            let pids: BTreeMap<u32, String> =
                holders().map(|(port, (name, pid))| (*pid, format!("{name} on {port}"))).collect();
            pids.into_iter().map(|(pid, about)| (pid.to_string(), about)).collect()
        }
        "NAME" => {
            let names: BTreeMap<&String, String> =
                holders().map(|(port, (name, _))| (name, format!("on {port}"))).collect();
            names.into_iter().map(|(name, about)| (name.clone(), about)).collect()
        }
        _ => Vec::new(),
    }
}

fn names(holders: &BTreeSet<(String, u32)>) -> String {
    let names: BTreeSet<&str> = holders.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { "not visible to you".into() } else { names.into_iter().collect::<Vec<_>>().join(", ") }
}
