//! Who holds ports, as an exposition for Prometheus.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use proc_tree::{
    cli::exposition::{self, Family, Labels, count},
    users,
};

use crate::{
    answer::{Answer, Holding},
    port::PortSpec,
};

/// A port, and how many hold it.
type Port = (u16, u64);

const PORTS: [Family<Port>; 1] = [Family {
    name: "holders",
    meaning: "Processes that hold the port; those that are not visible count as one",
    value: |(_, holders)| Some(count(*holders)),
}];

const HOLDERS: [Family<Holding>; 2] = [
    Family {
        name: "holder",
        meaning: "A process that holds the port, or one that is not visible",
        value: |_| Some(1.0),
    },
    Family {
        name: "holder_uptime_seconds",
        meaning: "For how long a process that holds the port has run",
        value: |holding| Some(holding.process.as_ref()?.uptime().as_secs_f64()),
    },
];

/// Writes one exposition. A port that was asked for by itself, not in a range, is in it also where nobody holds it.
///
/// # Errors
/// When `out` cannot be written to.
pub fn openmetrics(answer: &Answer, asked: &[PortSpec], out: &mut dyn Write) -> io::Result<()> {
    exposition::families("port_who", &PORTS, &ports(answer, asked).iter(), |&(port, _), _| vec![label(port)], out)?;
    exposition::families("port_who", &HOLDERS, &answer.holdings.iter(), |holding, _| labels(holding), out)?;
    exposition::end(out)
}

fn ports(answer: &Answer, asked: &[PortSpec]) -> Vec<Port> {
    let named = asked.iter().flat_map(PortSpec::ranges).filter(|(low, high)| low == high);
    let mut ports: BTreeMap<u16, BTreeSet<Option<u32>>> = named.map(|&(port, _)| (port, BTreeSet::new())).collect();
    for holding in &answer.holdings {
        let holders = ports.entry(holding.socket.local.port()).or_default();
        holders.insert(holding.process.as_ref().map(|process| process.pid));
    }
    ports.into_iter().map(|(port, holders)| (port, holders.len() as u64)).collect()
}

fn label(port: u16) -> (&'static str, String) {
    ("port", port.to_string())
}

fn labels(holding: &Holding) -> Labels {
    let (socket, process) = (&holding.socket, holding.process.as_ref());
    let user = process.and_then(|process| process.uid).or(socket.uid);
    let text = |value: Option<String>| value.unwrap_or_default();
    vec![
        label(socket.local.port()),
        ("protocol", socket.protocol.to_string()),
        ("address", socket.local.ip().to_string()),
        ("pid", text(process.map(|process| process.pid.to_string()))),
        ("start_id", text(process.map(|process| process.start_id.to_string()))),
        ("name", text(process.map(|process| process.name.clone()))),
        ("user", text(user.map(users::title))),
    ]
}
