//! Which sockets are asked for.

use crate::{
    port::{PortSpec, Protocol},
    socket::Socket,
};

/// Which sockets to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The ports; none means all.
    pub ports: Vec<PortSpec>,
    /// List TCP sockets.
    pub tcp: bool,
    /// List UDP sockets.
    pub udp: bool,
    /// List IPv4 sockets.
    pub ipv4: bool,
    /// List IPv6 sockets.
    pub ipv6: bool,
    /// List connections too, with either end on one of the ports.
    pub connections: bool,
    /// List sockets in all network namespaces, not only in the caller's (Linux; takes privilege).
    pub all_netns: bool,
}

impl Query {
    /// Asks for the holders of these ports, whatever the protocol and family.
    pub fn holders_of(ports: Vec<PortSpec>) -> Self {
        Self { ports, tcp: true, udp: true, ipv4: true, ipv6: true, connections: false, all_netns: false }
    }

    /// Tells whether a socket's own end is on one of the ports, whatever its address and state.
    pub(crate) fn is_occupied_by(&self, socket: &Socket) -> bool {
        let (protocol, port) = (socket.protocol, socket.local.port());
        self.ports.is_empty() || self.ports.iter().any(|spec| spec.has(protocol, port))
    }

    /// Tells whether a socket is asked for.
    pub(crate) fn wants(&self, socket: &Socket) -> bool {
        let family = if socket.local.is_ipv4() { self.ipv4 } else { self.ipv6 };
        let protocol = match socket.protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
        };
        family && protocol && (self.connections || socket.state.is_holding()) && self.wants_port(socket)
    }

    fn wants_port(&self, socket: &Socket) -> bool {
        self.ports.is_empty()
            || self.ports.iter().any(|spec| socket.is_on(spec) || (self.connections && socket.is_to(spec)))
    }

    /// Returns the protocols of which a socket can be asked for at all.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = Protocol> {
        let named = |protocol| {
            self.ports.is_empty() || self.ports.iter().any(|spec| spec.protocol().is_none_or(|p| p == protocol))
        };
        [(self.tcp, Protocol::Tcp), (self.udp, Protocol::Udp)]
            .into_iter()
            .filter(move |&(wanted, protocol)| wanted && named(protocol))
            .map(|(_, protocol)| protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn clients_are_wanted_only_with_connections_and_then_by_either_end() {
        let listener = Socket::example();
        let accepted =
            Socket { state: State::Established, peer: Some(([127, 0, 0, 1], 5000).into()), ..listener.clone() };
        let client = Socket {
            state: State::Established,
            local: ([127, 0, 0, 1], 5000).into(),
            peer: Some(([127, 0, 0, 1], 8000).into()),
            ..listener.clone()
        };
        let holders = Query::holders_of(vec![PortSpec::port(8000)]);
        let all = Query { connections: true, ..holders.clone() };
        for (socket, as_holder, as_connection) in
            [(&listener, true, true), (&accepted, false, true), (&client, false, true)]
        {
            assert_eq!((holders.wants(socket), all.wants(socket)), (as_holder, as_connection), "{socket:?}");
        }
        assert!(!Query { ipv4: false, ..all.clone() }.wants(&listener));
        assert!(!Query { tcp: false, ..all }.wants(&listener));
    }

    #[test]
    fn a_protocol_that_no_port_names_is_not_asked_for() {
        let protocols = |specs: &[&str]| {
            let specs = specs.iter().map(|spec| spec.parse().expect("a port")).collect();
            Query::holders_of(specs).protocols().collect::<Vec<_>>()
        };
        assert_eq!(protocols(&[]), [Protocol::Tcp, Protocol::Udp]);
        assert_eq!(protocols(&["80/tcp"]), [Protocol::Tcp]);
        assert_eq!(protocols(&["80/tcp", "53/udp"]), [Protocol::Tcp, Protocol::Udp]);
    }
}
