//! Whether nobody holds a port.

use port_who::{PortSpec, Query};
use proc_tree::cli::text;

use super::answer::{Answer, Outcome};
use crate::reason::{Reason, Sign};

/// Looks once.
pub(super) fn look(ports: &PortSpec) -> Outcome {
    let held = port_who::sockets(&Query::holders_of(vec![ports.clone()]))
        .map_err(|error| Reason::new(Sign::Unclear, text::failure(&error)))?;
    let Some(socket) = held.first() else { return Ok(Answer::new("free")) };
    let (address, protocol) = (socket.local, socket.protocol);
    let place = match address.ip() {
        ip if ip.is_unspecified() => "every address".to_owned(),
        ip => ip.to_canonical().to_string(),
    };
    Err(Reason::new(Sign::No, format!("{protocol} port {} is held on {place}", address.port())))
}
