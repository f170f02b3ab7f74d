//! Where one attempt goes.

use std::net::SocketAddr;

use super::answer::Outcome;
use crate::{reason::Sign, schedule::Pace, target::host::is_loopback};

/// Where one attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// To an address of the target's host.
    Address(SocketAddr),
    /// To the one thing on this machine that the target names.
    Here,
}

impl Endpoint {
    /// Tells how soon to ask again after an attempt.
    pub(crate) fn pace(self, outcome: &Outcome) -> Pace {
        let near = match self {
            Self::Address(address) => is_loopback(address.ip()),
            Self::Here => true,
        };
        Pace { near, at_once: matches!(outcome, Err(reason) if matches!(reason.sign, Sign::No | Sign::Gone)) }
    }
}
