//! Whether a port that nobody holds any more is free, and who uses it where it is not.

use port_who::{Availability, LookError, Occupancy, PortSpec, Query, owners, report};

use super::scope::Scope;
use crate::outcome::{Holder, PortOutcome};

/// It could not be found out whether a port is free.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum InUseError {
    /// The socket table could not be read, or no port bound.
    Port(#[from] port_who::FreeError),
    /// The processes could not be looked at.
    Look(#[from] LookError),
}

/// Notes of each port that nobody holds what keeps a server from it.
pub(super) fn note(ports: &mut [PortOutcome], scope: &Scope) -> Result<(), InUseError> {
    let specs: Vec<(usize, PortSpec)> = (0..)
        .zip(&*ports)
        .filter(|(_, port)| port.free)
        .flat_map(|(index, port)| scope.specs(port.port, port.protocol).into_iter().map(move |spec| (index, spec)))
        .collect();
    if specs.is_empty() {
        return Ok(());
    }
    let query = Query::holders_of(specs.iter().map(|(_, spec)| spec.clone()).collect());
    let occupancy = Occupancy::read(&query)?;
    for (index, spec) in &specs {
        let port = &mut ports[*index];
        if let Availability::Used(sockets) = occupancy.of(spec, port.port)? {
            let by = owners(&sockets)?;
            (port.free, port.in_use) = (false, true);
            port.reason = Some(report::in_use(&by));
            port.held_by = by.iter().filter(|holding| holding.socket.inode != 0).map(Holder::of).collect();
            port.held_by.dedup();
        }
    }
    Ok(())
}
