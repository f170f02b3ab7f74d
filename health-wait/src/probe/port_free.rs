//! Whether ports are free: nobody listens, and a server could bind them.

use std::cell::RefCell;

use port_who::{Availability, Occupancy, PortSpec, Query, Socket, owners, report};
use proc_tree::cli::text;

use super::answer::{Answer, Outcome};
use crate::reason::{Reason, Sign};

/// Ports that are to be free, and who used one when last looked at: to find that out takes a pass over all processes.
#[derive(Debug)]
pub(crate) struct PortFreeProbe<'a> {
    ports: &'a PortSpec,
    users: RefCell<Option<(Vec<Socket>, String)>>,
}

impl<'a> PortFreeProbe<'a> {
    pub(super) fn new(ports: &'a PortSpec) -> Self {
        Self { ports, users: RefCell::new(None) }
    }

    /// Looks once.
    pub(super) fn look(&self) -> Outcome {
        let query = Query::holders_of(vec![self.ports.clone()]);
        let occupancy = Occupancy::read(&query).map_err(|error| unclear(&error))?;
        for port in self.ports.ports() {
            match occupancy.of(self.ports, port).map_err(|error| unclear(&error))? {
                Availability::Free => {}
                Availability::Held(sockets) => return Err(held(port, &sockets)),
                Availability::Used(sockets) => return Err(self.used(port, sockets)),
            }
        }
        Ok(Answer::new("free"))
    }

    fn used(&self, port: u16, sockets: Vec<Socket>) -> Reason {
        let mut users = self.users.borrow_mut();
        let known = users.take().filter(|(before, _)| *before == sockets);
        let (_, said) = match known {
            Some(known) => users.insert(known),
            None => match owners(&sockets) {
                Ok(by) => users.insert((sockets, text::escape(&report::in_use(&by)).into_owned())),
                Err(error) => return unclear(&error),
            },
        };
        Reason::new(Sign::No, format!("nobody listens on port {port}, but {said}"))
    }
}

fn held(port: u16, sockets: &[Socket]) -> Reason {
    let Some(socket) = sockets.first() else { return Reason::new(Sign::No, format!("port {port} is held")) };
    let place = match socket.local.ip() {
        ip if ip.is_unspecified() => "every address".to_owned(),
        ip => ip.to_canonical().to_string(),
    };
    Reason::new(Sign::No, format!("{} port {port} is held on {place}", socket.protocol))
}

/// What cannot be looked at may be held.
fn unclear(error: &(dyn std::error::Error + 'static)) -> Reason {
    Reason::new(Sign::Unclear, text::failure(error))
}
