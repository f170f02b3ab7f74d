//! The socket that a supervisor is to hold for its server: whether it can be had is asked before anything is stopped or started
//! for it. No crash is counted where it cannot.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use port_who::{Availability, Occupancy, PortSpec, Protocol, Query, owners, report};

use crate::{Failure, Port, Service, start::ready_error::ReadyError};

/// Sees to it that the address is one of this machine's; for whoever stops a server for another one on its port.
pub(super) fn check_address(service: &Service, port: Option<Port>) -> Result<(), Failure> {
    let Some(address) = address(service, port) else { return Ok(()) };
    match TcpListener::bind((address.ip(), 0)) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Err(foreign(address)),
        _ => Ok(()),
    }
}

/// Sees to it that the socket can be had now.
pub(super) fn check(service: &Service, port: Option<Port>) -> Result<(), Failure> {
    let Some(address) = address(service, port) else { return Ok(()) };
    let spec = PortSpec::port(address.port()).of_protocol(Protocol::Tcp).on(address.ip());
    let query = Query::holders_of(vec![spec.clone()]);
    let failed = |error| Failure::system("try to bind a port")(io::Error::other(error));
    let free = port_who::free(&query, 1).map_err(failed)?;
    if !free.ports.is_empty() {
        return Ok(());
    }
    if free.foreign.is_some() {
        return Err(foreign(address));
    }
    if free.forbidden.is_some() {
        return Err(Failure::Listen { address, why: "permission denied".into() });
    }
    match Occupancy::read(&query).and_then(|occupancy| occupancy.of(&spec, address.port())).map_err(failed)? {
        Availability::Free => Ok(()),
        Availability::Held(sockets) | Availability::Used(sockets) => {
            let by = owners(&sockets).map_err(ReadyError::from)?;
            Err(Failure::Listen { address, why: report::in_use(&by) })
        }
    }
}

fn address(service: &Service, port: Option<Port>) -> Option<SocketAddr> {
    Some((service.spec.supervision.hold_socket?.0, port?.number).into())
}

fn foreign(address: SocketAddr) -> Failure {
    Failure::Listen { address, why: "that is no address of this machine".into() }
}
