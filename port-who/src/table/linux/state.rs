//! The kernel's numbers for the states of sockets.

use crate::{port::Protocol, socket::State};

/// Linux numbers the states of TCP from 1 (net/tcp_states.h); an unconnected UDP socket reads as closed.
pub(super) fn state(protocol: Protocol, number: u8) -> Option<State> {
    Some(match (protocol, number) {
        (Protocol::Tcp, 10) => State::Listen,
        (Protocol::Udp, 7) => State::Bound,
        (_, 1) => State::Established,
        (Protocol::Udp, _) => return None,
        (_, 2) => State::SynSent,
        (_, 3 | 12) => State::SynRecv,
        (_, 4) => State::FinWait1,
        (_, 5) => State::FinWait2,
        (_, 6) => State::TimeWait,
        (_, 7) => State::Close,
        (_, 8) => State::CloseWait,
        (_, 9) => State::LastAck,
        (_, 11) => State::Closing,
        _ => return None,
    })
}
