//! A range of ports: the server may be on any of them, else it takes the first that nobody holds.

use std::io;

use port_who::{Holding, Query};

use crate::{
    Action, Failure, Lock, Record, Standing,
    ensure::{Ensure, Up},
    service::Adopt,
    standing,
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
        for port in (ports.low..=ports.high)
            .filter(|&port| !answer.holdings.iter().any(|holding| holding.socket.local.port() == port))
        {
            // somebody is starting another server there
            let path = self.folders.file(&port.to_string(), "lock");
            let Some(_lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { continue };
            let is_taken = Record::read(self.folders, port).is_some_and(|record| record.running().is_some());
            if !is_taken && matches!(self.standing(port, &[])?, Standing::Free) {
                return self.start(port, Action::Started);
            }
        }
        Err(Failure::NoneFree(ports.to_string()))
    }

    /// Lists the ports of the range whose recorded server runs and is the one that is asked for.
    fn recorded_ports(&self) -> Result<Vec<u16>, Failure> {
        let ports = self.service.ports;
        let all = Record::ports(self.folders).map_err(Failure::state("read", &self.folders.runtime))?;
        let is_same = |record: &Record, port| match &self.service.name {
            Some(name) => record.name == *name,
            None => record.command == self.words(port) && record.cwd == self.service.cwd,
        };
        let wanted = |&port: &u16| {
            (ports.low..=ports.high).contains(&port)
                && Record::read(self.folders, port)
                    .is_some_and(|record| is_same(&record, port) && record.running().is_some())
        };
        Ok(all.into_iter().filter(wanted).collect())
    }
}
