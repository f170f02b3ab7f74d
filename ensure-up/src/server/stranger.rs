//! Strangers beside a server: other programs that listen on its port, and to whom the kernel gives a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use port_who::{Protocol, Socket};
use proc_tree::cli::text;

use super::{
    evidence::Evidence,
    folder::StateFolder,
    holding::Holding,
    judge::{Whose, judge},
    port as listening,
    started::Started,
};
use crate::Service;

/// Another program on a server's port. It is none of the server's processes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stranger {
    /// It gets connections to the address at which the server is asked, or some of them.
    Sharing(Vec<Holding>),
    /// It gets connections to `localhost`, or some of them: the server has only one of the addresses that this is.
    Localhost(Vec<Holding>),
}

/// What `localhost` is.
const LOCALHOST: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

impl Stranger {
    /// Judges others on a port of TCP by what they get of what is meant for these; `None` where that is nothing. Of UDP
    /// several programs may have each datagram.
    pub(crate) fn of(ours: &[Holding], others: Vec<Holding>) -> Option<Self> {
        let asked = listening::reachable(listening::listener(ours)?).ip();
        let best = |to: IpAddr| ours.iter().filter_map(|holding| rank(holding.socket.as_ref()?, to)).max();
        let gets = |other: &Holding, to: IpAddr| {
            other.socket.as_ref().and_then(|socket| rank(socket, to)).is_some_and(|rank| Some(rank) >= best(to))
        };
        let (sharing, beside): (Vec<_>, Vec<_>) = others.into_iter().partition(|other| gets(other, asked));
        if !sharing.is_empty() {
            return Some(Self::Sharing(sharing));
        }
        let is_localhost = LOCALHOST.contains(&asked);
        let of_localhost =
            beside.into_iter().filter(|other| is_localhost && LOCALHOST.iter().any(|&to| gets(other, to)));
        Some(of_localhost.collect::<Vec<_>>()).filter(|found| !found.is_empty()).map(Self::Localhost)
    }

    /// Returns who that is.
    pub(crate) fn holdings(&self) -> &[Holding] {
        let (Self::Sharing(others) | Self::Localhost(others)) = self;
        others
    }

    /// Tells whether what the server is asked may be answered by it.
    pub(crate) fn is_sharing(&self) -> bool {
        matches!(self, Self::Sharing(_))
    }

    /// Words it, and what that means for whoever connects.
    pub(crate) fn note(&self) -> String {
        let each = |shown: &dyn Fn(&Holding) -> Option<String>| -> Vec<String> {
            proc_tree::ascending(self.holdings().iter().filter_map(shown))
        };
        let addresses = each(&|other| Some(other.socket.as_ref()?.local.to_string())).join(", ");
        let titles = each(&|other| Some(text::escape(&other.title()).into_owned()));
        let (listens, that) = if titles.len() == 1 { ("listens", "it") } else { ("listen", "them") };
        let means = match self {
            Self::Sharing(_) => format!("connections may reach {that}"),
            Self::Localhost(_) => "localhost may lead there".to_owned(),
        };
        format!("{} {listens} on {addresses} too: {means}", titles.join(", "))
    }
}

impl Evidence {
    /// Finds the other programs on the port of the server that was started as this. `service` is that which it is of: what
    /// would be taken as its server alone is none.
    pub(crate) fn stranger(
        &self,
        ours: &[Holding],
        of: &Started,
        state_folder: &StateFolder,
        service: impl FnOnce() -> Option<Service>,
    ) -> Option<Stranger> {
        let (_, mut others) = self.part(of);
        // what this user may not look at may be the server's own
        others.retain(|other| !other.is_of(ours) && !other.is_nobodys(self.asker.user));
        if others.is_empty() {
            return None;
        }
        if let Some(service) = service() {
            let compared = self.clone().compared(state_folder, &service);
            others.retain(|other| !compared.is_one_of(other, &service));
        }
        Stranger::of(ours, others)
    }

    /// Tells whether a holder would be taken as the service's server if it were the only one.
    fn is_one_of(&self, other: &Holding, service: &Service) -> bool {
        let mut alone = self.clone();
        alone.holders.retain(|holder| holder.holding == *other);
        matches!(judge(&alone, service), Whose::Ours(..) | Whose::Matching(..))
    }
}

/// Returns how well a socket that listens fits an address that is connected to: of several the kernel takes the best, and
/// chooses among equals. `None`: it does not fit.
fn rank(socket: &Socket, to: IpAddr) -> Option<u8> {
    if socket.protocol != Protocol::Tcp {
        return None;
    }
    let local = socket.local.ip().to_canonical();
    match (local, to) {
        _ if local == to => Some(2),
        (IpAddr::V4(any), IpAddr::V4(_)) if any.is_unspecified() => Some(1),
        (IpAddr::V6(any), IpAddr::V6(_)) if any.is_unspecified() => Some(1),
        (IpAddr::V6(any), IpAddr::V4(_)) if any.is_unspecified() && socket.v6only != Some(true) => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use port_who::State;

    use super::*;

    fn holding(at: &str) -> Holding {
        let (local, v6only) = at.strip_suffix('!').map_or((at, Some(false)), |at| (at, Some(true)));
        let local: SocketAddr = local.parse().expect("an address");
        let (protocol, state) = (Protocol::Tcp, State::Listen);
        let socket = Socket { protocol, local, peer: None, state, inode: 1, uid: None, v6only, netns: None };
        Holding { socket: Some(socket), process: None }
    }

    #[test]
    fn who_gets_what_is_meant_for_the_server_follows_from_the_addresses() {
        for (ours, other, expected) in [
            ("127.0.0.1:80", "[::1]:80", "localhost"),
            ("127.0.0.1:80", "[::]:80!", "localhost"),
            ("127.0.0.1:80", "[::]:80", "localhost"),
            ("[::1]:80", "127.0.0.1:80", "localhost"),
            ("[::1]:80", "0.0.0.0:80", "localhost"),
            ("0.0.0.0:80", "[::1]:80", "localhost"),
            ("0.0.0.0:80", "[::]:80!", "localhost"),
            ("127.0.0.1:80", "127.0.0.1:80", "sharing"),
            ("0.0.0.0:80", "127.0.0.1:80", "sharing"),
            ("[::]:80", "127.0.0.1:80", "localhost"),
            ("[::]:80", "[::1]:80", "sharing"),
            ("[::]:80", "[::]:80", "sharing"),
            // the kernel prefers the one that names the address
            ("127.0.0.1:80", "0.0.0.0:80", ""),
            ("127.0.0.1:80 [::1]:80", "0.0.0.0:80", ""),
            ("127.0.0.1:80 [::1]:80", "[::]:80", ""),
            ("0.0.0.0:80 [::]:80!", "[::]:80!", "localhost"),
            // other addresses of this machine
            ("127.0.0.1:80", "192.0.2.1:80", ""),
            ("0.0.0.0:80", "192.0.2.1:80", ""),
            ("127.0.0.2:80", "127.0.0.1:80", ""),
            ("192.0.2.1:80", "[::1]:80", ""),
            ("[::]:80", "[2001:db8::1]:80", ""),
            ("[::1]:80", "[2001:db8::1]:80", ""),
            // an address of IPv6 that takes connections of IPv4 too, or not
            ("[::1]:80", "[::]:80", "localhost"),
            ("[::1]:80", "[::]:80!", ""),
        ] {
            let ours: Vec<Holding> = ours.split_whitespace().map(holding).collect();
            let found = match Stranger::of(&ours, vec![holding(other)]) {
                None => "",
                Some(Stranger::Sharing(_)) => "sharing",
                Some(Stranger::Localhost(_)) => "localhost",
            };
            assert_eq!(found, expected, "{ours:?} and {other}");
        }
    }

    #[test]
    fn udp_and_a_server_without_a_port_have_nobody_beside() {
        let mut udp = holding("127.0.0.1:80");
        udp.socket.as_mut().expect("a socket").protocol = Protocol::Udp;
        assert_eq!(Stranger::of(std::slice::from_ref(&udp), vec![udp.clone()]), None);
        assert_eq!(Stranger::of(&[], vec![holding("127.0.0.1:80")]), None);
    }

    #[test]
    fn it_is_said_who_listens_there_and_what_that_means() {
        let (one, other) = (holding("127.0.0.1:80"), holding("[::1]:80"));
        let unseen = "a process that is not visible";
        for (stranger, is_sharing, note) in [
            (
                Stranger::Sharing(vec![one.clone()]),
                true,
                format!("{unseen} listens on 127.0.0.1:80 too: connections may reach it"),
            ),
            (
                Stranger::Localhost(vec![one, other]),
                false,
                format!("{unseen} listens on 127.0.0.1:80, [::1]:80 too: localhost may lead there"),
            ),
        ] {
            assert_eq!((stranger.is_sharing(), stranger.note()), (is_sharing, note));
        }
    }
}
