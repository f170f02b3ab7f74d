//! The ports in use with their programs, for what a person writes right now.

use std::collections::{BTreeMap, BTreeSet};

use proc_tree::process;

use crate::{Query, holder::holders, table::find};

/// Lists the ports in use, each with the names and the PIDs of its holders; who cannot be seen is not listed. Somebody waits for
/// that at a prompt: of a process only its name is read.
fn in_use() -> BTreeMap<u16, BTreeSet<(String, u32)>> {
    let mut ports: BTreeMap<u16, BTreeSet<(String, u32)>> = BTreeMap::new();
    let Ok(found) = find(&Query::holders_of(Vec::new())) else { return ports };
    let Ok(open) = holders(&found.sockets) else { return ports };
    let with_name = |pid| Some((pid, process::stat(pid).ok().flatten()?.whole_name()));
    let names: BTreeMap<u32, String> = open.pids().into_iter().filter_map(with_name).collect();
    for socket in &found.sockets {
        let of_it = open.holders_of(socket.inode).filter_map(|pid| Some((names.get(&pid)?.clone(), pid)));
        ports.entry(socket.local.port()).or_default().extend(of_it);
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
