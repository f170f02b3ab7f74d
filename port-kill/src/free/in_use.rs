//! Whether a port that nobody holds any more is free, and who uses it where it is not.

use std::error::Error;

use port_who::{Availability, Filter, Occupancy, PortSpec, Query, owners, report};
use proc_tree::cli::text;

use super::scope::Scope;
use crate::outcome::{Holder, PortOutcome};

/// Notes of each port that nobody holds what keeps a server from it. What cannot be told is not called free, and does not
/// take the report of what was done with it.
pub(super) fn note(ports: &mut [PortOutcome], scope: &Scope, filter: &Filter) {
    let specs: Vec<(usize, PortSpec)> = (0..)
        .zip(&*ports)
        .filter(|(_, port)| port.free)
        .flat_map(|(index, port)| scope.specs(port.port, port.protocol).into_iter().map(move |spec| (index, spec)))
        .collect();
    if specs.is_empty() {
        return;
    }
    let query = Query::holders_of(specs.iter().map(|(_, spec)| spec.clone()).collect());
    let occupancy = Occupancy::read(&query);
    for (index, spec) in &specs {
        let port = &mut ports[*index];
        let noted = match &occupancy {
            Ok(occupancy) => note_one(port, spec, occupancy, scope, filter).map_err(|error| text::failure(&*error)),
            Err(error) => Err(text::failure(error)),
        };
        if let Err(why) = noted {
            (port.free, port.in_use) = (false, false);
            port.reason = Some(format!("it cannot be told whether it is free: {why}"));
        }
    }
}

fn note_one(
    port: &mut PortOutcome,
    spec: &PortSpec,
    occupancy: &Occupancy<'_>,
    scope: &Scope,
    filter: &Filter,
) -> Result<(), Box<dyn Error>> {
    let (sockets, is_held) = match occupancy.of(spec, port.port)? {
        Availability::Free => return Ok(()),
        Availability::Used(sockets) => (sockets, false),
        // on another address than the one that was named, or since a moment; beside a socket that was chosen it is another's
        Availability::Held(mut sockets) => {
            sockets.retain(|socket| scope.covers(socket));
            if sockets.is_empty() {
                return Ok(());
            }
            (sockets, true)
        }
    };
    // that somebody listens is the more that there is to say
    if !port.free && !port.in_use {
        return Ok(());
    }
    let by = owners(&sockets)?;
    (port.free, port.in_use) = (false, !is_held);
    port.left_alone = is_held && !by.iter().any(|holding| filter.admits(holding));
    port.reason = Some(report::in_use(&by));
    port.held_by = by.iter().filter(|holding| holding.socket.inode != 0).map(Holder::of).collect();
    port.held_by.dedup();
    Ok(())
}
