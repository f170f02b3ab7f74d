//! A range of ports: the server may be on any of them, else it takes the first that nobody holds.

use std::io;

use port_who::{Holding, PortSpec, Protocol, Query};

use crate::{
    Action, Failure, Lock, Record, Standing,
    server::standing,
    service::spec::Adopt,
    start::ensure::{Ensure, Up},
};

impl Ensure<'_> {
    /// Takes a server of ours that is in the range, else the first port that nobody holds.
    pub(crate) fn in_range(&self) -> Result<Up, Failure> {
        let ports = self.service.ports;
        for port in self.recorded_ports()? {
            if let Some(outcome) = self.fast(port, false)? {
                return Ok((outcome, None));
            }
        }
        let lock = self.lock(&ports.to_string())?;
        if let Some(&port) = self.recorded_ports()?.first() {
            return self.on_port(port, lock.waited);
        }
        let spec = ports.to_string().parse().map_err(io::Error::other).map_err(Failure::system("read the range"))?;
        let answer = port_who::look(&Query::holders_of(vec![spec])).map_err(crate::ReadyError::from)?;
        for port in ports.low..=ports.high {
            let here = |holding: &&Holding| holding.socket.local.port() == port;
            let holdings: Vec<Holding> = answer.holdings.iter().filter(here).cloned().collect();
            if holdings.is_empty() {
                continue;
            }
            let is_wanted = match standing::classify(holdings, port, self.service, &[], true) {
                Standing::Foreign(holdings) => self.is_known(port, &holdings)?,
                standing => matches!(standing, Standing::Matching(..)),
            };
            if is_wanted && self.existing.adopt != Adopt::Never {
                return self.on_port(port, lock.waited);
            }
        }
        let is_held = |port: u16| answer.holdings.iter().any(|holding| holding.socket.local.port() == port);
        let unheld: Vec<u16> = (ports.low..=ports.high).filter(|&port| !is_held(port)).collect();
        // where none can be bound now, the server's own error says most; a connection that lingers is no hindrance to it
        match self.start_on(&unheld, true)? {
            Some(up) => Ok(up),
            None => self.start_on(&unheld, false)?.ok_or_else(|| Failure::NoneFree(ports.to_string())),
        }
    }

    /// Starts the server on the first of these ports that is still free.
    fn start_on(&self, ports: &[u16], is_bindable: bool) -> Result<Option<Up>, Failure> {
        for &port in ports {
            // somebody is starting another server there; to try to bind it would take it from that one
            let path = self.folders.file(&port.to_string(), "lock");
            let Some(_lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { continue };
            let is_taken = Record::read(self.folders, port).is_some_and(|record| is_alive(&record));
            if is_taken || !matches!(self.standing(port, &[])?, Standing::Free) {
                continue;
            }
            let query = Query::holders_of(vec![PortSpec::port(port).of_protocol(Protocol::Tcp)]);
            let failed = |error| Failure::system("try to bind a port")(io::Error::other(error));
            if !is_bindable || !port_who::free(&query, 1).map_err(failed)?.ports.is_empty() {
                return self.start(port, Action::Started).map(Some);
            }
        }
        Ok(None)
    }

    /// Lists the ports of the range whose recorded server runs and is the one that is asked for.
    fn recorded_ports(&self) -> Result<Vec<u16>, Failure> {
        let ports = self.service.ports;
        let all = Record::ports(self.folders).map_err(Failure::state("read", &self.folders.runtime))?;
        let is_same = |record: &Record, port| match &self.service.spec.name {
            Some(name) => record.name == *name,
            None => record.command == self.words(port) && record.cwd == self.service.cwd,
        };
        let wanted = |&port: &u16| {
            (ports.low..=ports.high).contains(&port)
                && Record::read(self.folders, port).is_some_and(|record| is_same(&record, port) && is_alive(&record))
        };
        Ok(all.into_iter().filter(wanted).collect())
    }
}

/// A server that its supervisor is about to start again has its port, too.
fn is_alive(record: &Record) -> bool {
    record.running().is_some() || record.running_supervisor().is_some()
}
