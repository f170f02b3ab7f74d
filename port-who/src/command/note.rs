//! What is on the ports that nobody listens on, where it keeps a server from them.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use port_who::{Answer, Availability, Occupancy, PortSpec, Query, owners, report};
use proc_tree::cli::{terminal::Look, text};

use super::arguments::Arguments;

/// More ports than these are not named one by one.
const NAMED: usize = 5;

/// Says on stderr which of the ports nobody holds and are not free all the same. A range on which somebody listens has its
/// answer.
pub(super) fn say(arguments: &Arguments, answer: &Answer) -> anyhow::Result<()> {
    let query = arguments.query();
    // with a filter it was not asked whether the ports are held, and other namespaces' tables are not looked at
    if arguments.common.quiet || arguments.is_filtered() || query.all_netns {
        return Ok(());
    }
    let unheld = unheld(&query.ports, answer);
    if unheld.is_empty() {
        return Ok(());
    }
    let notes = notes(&Query { ports: unheld, ..query })?;
    let look = Look::of(&io::stderr(), arguments.common.color);
    for note in notes.iter().take(NAMED) {
        let _ = writeln!(io::stderr(), "note: {}", look.pids(&text::escape(note)));
    }
    if let Some(more @ 1..) = notes.len().checked_sub(NAMED) {
        let _ = writeln!(io::stderr(), "note: nor are {more} more of these ports");
    }
    Ok(())
}

/// Returns what of the ports the answer says nothing about.
fn unheld(asked: &[PortSpec], answer: &Answer) -> Vec<PortSpec> {
    let held: HashSet<u16> = answer.holdings.iter().map(|holding| holding.socket.local.port()).collect();
    let is_unheld = |spec: &&PortSpec| match spec.ranges() {
        [(low, high)] if low == high => !held.contains(low),
        _ => held.is_empty(),
    };
    asked.iter().filter(is_unheld).cloned().collect()
}

fn notes(query: &Query) -> anyhow::Result<Vec<String>> {
    let occupancy = Occupancy::read(query)?;
    let mut seen = HashSet::new();
    let mut notes = Vec::new();
    for (spec, port) in query.ports.iter().flat_map(|spec| spec.ports().map(move |port| (spec, port))) {
        // of a range, only what is known to be there: to bind each of its ports would take long
        let is_alone = matches!(spec.ranges(), [(low, high)] if low == high);
        if !(is_alone || occupancy.has_any(port)) || !seen.insert(port) {
            continue;
        }
        let (said, sockets) = match occupancy.of(spec, port)? {
            Availability::Free => continue,
            Availability::Used(sockets) => (format!("nobody listens on port {port}, but it is not free"), sockets),
            // on another address than the one that was named
            Availability::Held(sockets) => {
                let address = spec.address().map(|address| format!(" on {address}")).unwrap_or_default();
                (format!("port {port} is not free{address}"), sockets)
            }
        };
        // beyond those that are named they are only counted
        let by = if notes.len() < NAMED { owners(&sockets)? } else { Vec::new() };
        notes.push(format!("{said}: {}", report::in_use(&by)));
    }
    Ok(notes)
}
