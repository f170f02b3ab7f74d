//! The servers that are known, as an exposition for Prometheus.

use std::{
    io::{self, Write},
    time::Duration,
};

use proc_tree::cli::exposition::{self, Family, Labels, count, flag, ratio};

use crate::status::ServerStatus;

const FAMILIES: [Family<ServerStatus>; 8] = [
    Family { name: "running", meaning: "Whether it runs", value: |server| Some(flag(server.identity.is_some())) },
    Family { name: "healthy", meaning: "Whether it answers as it should", value: |server| Some(flag(server.healthy)) },
    Family { name: "state", meaning: "Its state, which a label names", value: |_| Some(1.0) },
    Family {
        name: "restarts",
        meaning: "How often it was started again after it had ended, or hung",
        value: |server| Some(count(server.restarts.into())),
    },
    Family {
        name: "reloads",
        meaning: "How often it was started again because a file had changed",
        value: |server| Some(count(server.reloads.into())),
    },
    Family {
        name: "uptime_seconds",
        meaning: "For how long it has run",
        value: |server| server.uptime.as_ref().map(Duration::as_secs_f64),
    },
    Family {
        name: "cpu_ratio",
        meaning: "CPU of its tree; 1 is one core",
        value: |server| server.cpu_percent.map(ratio),
    },
    Family {
        name: "memory_bytes",
        meaning: "Memory of its tree by the measure that the label names",
        value: |server| server.memory.map(|(bytes, _)| count(bytes)),
    },
];

/// Writes one exposition.
///
/// # Errors
/// When `out` cannot be written to.
pub fn openmetrics(servers: &[ServerStatus], out: &mut dyn Write) -> io::Result<()> {
    exposition::families("ensure_up", &FAMILIES, &servers.iter(), labels, out)?;
    exposition::end(out)
}

fn labels(server: &ServerStatus, family: &Family<ServerStatus>) -> Labels {
    let mut labels = vec![
        ("name", server.name.clone()),
        ("folder", server.folder.as_ref().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default()),
        ("port", server.port.map(|port| port.to_string()).unwrap_or_default()),
    ];
    match (family.name, server.memory) {
        ("state", _) => labels.push(("state", server.state.word().to_owned())),
        ("memory_bytes", Some((_, measure))) => labels.push(("measure", measure.name().to_owned())),
        _ => {}
    }
    labels
}
