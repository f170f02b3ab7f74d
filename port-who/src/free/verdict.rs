//! Whether a port is free, from what the kernel's tables show of it: sockets go in, the verdict comes out.

use std::net::IpAddr;

use super::trial::Trial;
use crate::{
    port::Protocol,
    socket::{Socket, State},
};

/// What the tables say of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing keeps a server from binding it.
    Free,
    /// Somebody serves it.
    Held,
    /// Nobody serves it, and it cannot be bound.
    Used,
    /// The tables cannot tell: whether a connection keeps a server away depends on whether its socket had `SO_REUSEADDR`
    /// set, which they do not show.
    Untold,
}

/// Judges a port by the sockets on it that are in a server's way by their address. `is_whole` tells whether the tables show
/// sockets that were bound and never used.
pub(super) fn judge(protocol: Protocol, here: &[&Socket], is_whole: bool) -> Verdict {
    let any = |state| here.iter().any(|socket| socket.state == state);
    match protocol {
        _ if here.iter().any(|socket| socket.state.is_holding()) => Verdict::Held,
        // somebody may be about to listen
        Protocol::Tcp if any(State::Close) => Verdict::Used,
        Protocol::Udp if !here.is_empty() => Verdict::Used,
        Protocol::Tcp | Protocol::Udp if here.is_empty() && is_whole => Verdict::Free,
        Protocol::Tcp | Protocol::Udp => Verdict::Untold,
    }
}

/// Judges a port of which the tables could not tell by how binding it went.
pub(super) fn judge_trial(trial: Trial, here: &[&Socket]) -> Verdict {
    match trial {
        Trial::Taken => Verdict::Used,
        // what a process has open may be in the way; what lingers for nobody hardly is
        Trial::Forbidden if here.iter().any(|socket| socket.inode != 0) => Verdict::Used,
        Trial::Bound | Trial::Foreign | Trial::Forbidden => Verdict::Free,
    }
}

/// Tells whether a socket is in the way of a server on this address: the unspecified address overlaps every one of its
/// family, and on an IPv6 socket that takes IPv4 too, every one of both.
pub(super) fn overlaps(socket: &Socket, wanted: IpAddr) -> bool {
    let local = socket.local.ip().to_canonical();
    let same_family = local.is_ipv4() == wanted.is_ipv4();
    let both_families = local.is_ipv6() && socket.v6only != Some(true);
    local == wanted
        || (local.is_unspecified() && (same_family || both_families))
        || (wanted.is_unspecified() && same_family)
}

/// Picks those that are most likely in the way of a server: what a process has open, else what the kernel still closes, else
/// what lingers.
pub(super) fn culprits(here: &[&Socket]) -> Vec<Socket> {
    let rank = |socket: &Socket| match socket.state {
        _ if socket.inode != 0 => 0,
        State::TimeWait => 2,
        _ => 1,
    };
    let first = here.iter().map(|socket| rank(socket)).min();
    here.iter().filter(|socket| Some(rank(socket)) == first).copied().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(state: State, inode: u64) -> Socket {
        Socket { state, inode, ..Socket::example() }
    }

    #[test]
    fn every_mixture_of_states_has_its_verdict() {
        use State::{Bound, Close, Established, FinWait2, Listen, TimeWait};
        use Verdict::{Free, Held, Untold, Used};
        for (protocol, states, whole, in_part) in [
            (Protocol::Tcp, &[][..], Free, Untold),
            (Protocol::Tcp, &[Listen], Held, Held),
            (Protocol::Tcp, &[Close], Used, Used),
            (Protocol::Tcp, &[Established], Untold, Untold),
            (Protocol::Tcp, &[FinWait2], Untold, Untold),
            (Protocol::Tcp, &[TimeWait], Untold, Untold),
            (Protocol::Tcp, &[TimeWait, Established, Close], Used, Used),
            (Protocol::Tcp, &[TimeWait, Close, Listen], Held, Held),
            (Protocol::Udp, &[], Free, Untold),
            (Protocol::Udp, &[Bound], Held, Held),
            (Protocol::Udp, &[Established], Used, Used),
            (Protocol::Udp, &[Established, Bound], Held, Held),
        ] {
            let sockets: Vec<Socket> = states.iter().map(|&state| socket(state, 1)).collect();
            let here: Vec<&Socket> = sockets.iter().collect();
            assert_eq!(judge(protocol, &here, true), whole, "{protocol} {states:?}");
            assert_eq!(judge(protocol, &here, false), in_part, "{protocol} {states:?}, of tables that are not whole");
        }
    }

    #[test]
    fn a_bind_tells_what_the_tables_cannot() {
        let (open, left) = (socket(State::Established, 1), socket(State::TimeWait, 0));
        for (trial, with_open, with_left) in [
            (Trial::Bound, Verdict::Free, Verdict::Free),
            (Trial::Taken, Verdict::Used, Verdict::Used),
            (Trial::Forbidden, Verdict::Used, Verdict::Free),
            (Trial::Foreign, Verdict::Free, Verdict::Free),
        ] {
            assert_eq!(judge_trial(trial, &[&left, &open]), with_open, "{trial:?}");
            assert_eq!(judge_trial(trial, &[&left]), with_left, "{trial:?}");
        }
    }

    #[test]
    fn addresses_are_in_each_others_way_where_one_server_could_not_have_both() {
        for (local, v6only, wanted, expected) in [
            ("127.0.0.1:80", None, "127.0.0.1", true),
            ("127.0.0.1:80", None, "0.0.0.0", true),
            ("127.0.0.1:80", None, "127.0.0.2", false),
            ("127.0.0.1:80", None, "::", false),
            ("0.0.0.0:80", None, "127.0.0.1", true),
            ("0.0.0.0:80", None, "0.0.0.0", true),
            ("0.0.0.0:80", None, "::1", false),
            ("[::1]:80", None, "::", true),
            ("[::1]:80", None, "0.0.0.0", false),
            ("[::]:80", Some(false), "127.0.0.1", true),
            ("[::]:80", Some(false), "0.0.0.0", true),
            ("[::]:80", Some(true), "127.0.0.1", false),
            ("[::]:80", Some(true), "0.0.0.0", false),
            ("[::]:80", Some(true), "::1", true),
            // a kernel that does not say it may mean either
            ("[::]:80", None, "127.0.0.1", true),
            // a connection of an IPv6 socket that talks IPv4
            ("[::ffff:127.0.0.1]:80", Some(false), "127.0.0.1", true),
            ("[::ffff:127.0.0.1]:80", Some(false), "0.0.0.0", true),
            ("[::ffff:127.0.0.1]:80", Some(false), "::", false),
        ] {
            let socket = Socket { local: local.parse().expect("an address"), v6only, ..Socket::example() };
            assert_eq!(overlaps(&socket, wanted.parse().expect("an address")), expected, "{local} {v6only:?} {wanted}");
        }
    }

    #[test]
    fn those_who_have_it_open_are_named_before_what_lingers() {
        let sockets = [socket(State::TimeWait, 0), socket(State::FinWait2, 0), socket(State::Established, 5)];
        let here: Vec<&Socket> = sockets.iter().collect();
        assert_eq!(culprits(&here), sockets[2..]);
        assert_eq!(culprits(&here[..2]), sockets[1..2]);
        assert_eq!(culprits(&here[..1]), sockets[..1]);
        assert!(culprits(&[]).is_empty());
    }
}
