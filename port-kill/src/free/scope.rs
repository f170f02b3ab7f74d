//! What of the kernel's sockets is at stake.

use std::{collections::HashSet, net::SocketAddr};

use port_who::{Holding, LookError, PortSpec, Protocol, Query, Socket, sockets};

use super::request::Target;

/// What of the kernel's sockets is at stake.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) query: Query,
    /// The sockets of the selected processes, where processes were named; others on the same port are not meant.
    chosen: Option<HashSet<(Protocol, SocketAddr)>>,
}

impl Scope {
    /// Asks for all that could be at stake.
    pub(super) fn of(target: &Target) -> Self {
        let ports = match target {
            Target::Ports(ports) => ports.clone(),
            Target::Processes(selected) => {
                let named: Option<Vec<PortSpec>> = selected.iter().map(|one| one.port.map(PortSpec::port)).collect();
                named.unwrap_or_default()
            }
        };
        Self { query: Query::holders_of(ports), chosen: None }
    }

    /// Narrows to the sockets that the selected processes hold.
    pub(super) fn narrow<'h>(&mut self, holdings: impl Iterator<Item = &'h Holding>) {
        let chosen: HashSet<_> = holdings.map(|holding| (holding.socket.protocol, holding.socket.local)).collect();
        self.query.ports =
            chosen.iter().map(|(protocol, local)| PortSpec::port(local.port()).of_protocol(*protocol)).collect();
        self.chosen = Some(chosen);
    }

    pub(super) fn covers(&self, socket: &Socket) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.contains(&(socket.protocol, socket.local)))
    }

    /// Returns what is at stake on one port, of one protocol where one is named.
    pub(super) fn specs(&self, port: u16, protocol: Option<Protocol>) -> Vec<PortSpec> {
        let is_meant = |named: Option<Protocol>| protocol.is_none() || named.is_none() || named == protocol;
        let of_protocol = |spec: PortSpec| match protocol {
            Some(protocol) => spec.of_protocol(protocol),
            None => spec,
        };
        if let Some(chosen) = &self.chosen {
            let here = chosen.iter().filter(|(named, local)| local.port() == port && is_meant(Some(*named)));
            here.map(|(named, local)| PortSpec::port(port).of_protocol(*named).on(local.ip())).collect()
        } else {
            let specs = self.query.ports.iter().filter(|spec| spec.ports().any(|one| one == port));
            specs.filter(|spec| is_meant(spec.protocol())).cloned().map(of_protocol).collect()
        }
    }

    /// Reads the sockets that are open, and no process.
    pub(super) fn open_sockets(&self) -> Result<Vec<Socket>, LookError> {
        // without a port the query would ask for everything
        if self.chosen.as_ref().is_some_and(HashSet::is_empty) {
            return Ok(Vec::new());
        }
        Ok(sockets(&self.query)?.into_iter().filter(|socket| self.covers(socket)).collect())
    }
}
