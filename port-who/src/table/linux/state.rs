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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_a_state_that_reads_alike_in_a_record_and_in_a_table() {
        let tcp = [
            "established",
            "syn_sent",
            "syn_recv",
            "fin_wait1",
            "fin_wait2",
            "time_wait",
            "close",
            "close_wait",
            "last_ack",
            "listen",
            "closing",
            "syn_recv",
        ];
        let of_tcp = (1..).zip(tcp).map(|(number, word)| (Protocol::Tcp, number, word));
        for (protocol, number, word) in of_tcp.chain([(Protocol::Udp, 1, "established"), (Protocol::Udp, 7, "bound")]) {
            let state = state(protocol, number).expect(word);
            assert_eq!((state.to_string(), serde_json::to_value(state).expect(word)), (word.to_owned(), word.into()));
        }
        for (protocol, number) in [(Protocol::Tcp, 0), (Protocol::Tcp, 13), (Protocol::Udp, 10), (Protocol::Udp, 6)] {
            assert_eq!(state(protocol, number), None, "{protocol:?} {number}");
        }
    }
}
