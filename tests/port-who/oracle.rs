//! The same answers as others give: netstat2 over random sets of sockets, and the text tables where netlink is refused.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use netstat2::{AddressFamilyFlags, ProtocolFlags, ProtocolSocketInfo, TcpState, iterate_sockets_info};
use port_who::{PortSpec, Query, look};

use crate::{
    BINARY, Record, decode, port_who,
    support::{Fixture, Tool, eventually, fixture_path},
};

/// Who holds what: protocol, address, PID.
type Row = (&'static str, SocketAddr, u32);

/// Enough randomness for a test, from a seed that a failure names (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// All of them are other processes: the own sockets are, for a moment, also those of what another test forks.
fn random_holders(random: &mut Random) -> Vec<Fixture> {
    (0..=random.below(8))
        .map(|_| {
            let addresses = ["127.0.0.1:0", "127.0.0.2:0", "0.0.0.0:0", "[::1]:0", "[::]:0"];
            let mut address = || addresses[usize::try_from(random.below(5)).expect("small")];
            let (first, second) = (address(), address());
            match random.below(6) {
                0 => Fixture::start(["serve", "--forks", "2", first]),
                1 => {
                    let server = Fixture::start(["serve", "--reuseport", "1", first]);
                    let query = Query::holders_of(vec![PortSpec::port(server.port())]);
                    // the sibling binds after its parent has said that it is ready
                    eventually("its sibling's socket", || {
                        port_who::sockets(&query).is_ok_and(|found| found.len() == 2)
                    });
                    server
                }
                2 => Fixture::start(["hold", "udp", first, second]),
                _ => Fixture::start(["hold", "tcp", first, second]),
            }
        })
        .collect()
}

fn ours(ports: &[u16]) -> BTreeSet<Row> {
    let query = Query::holders_of(ports.iter().copied().map(PortSpec::port).collect());
    let answer = look(&query).expect("the tables can be read");
    let rows = answer.holdings.iter().map(|holding| {
        let protocol = if holding.socket.protocol == port_who::Protocol::Tcp { "tcp" } else { "udp" };
        (protocol, holding.socket.local, holding.process.as_ref().expect("an owner").pid)
    });
    rows.collect()
}

fn theirs(ports: &[u16]) -> BTreeSet<Row> {
    let sockets = iterate_sockets_info(AddressFamilyFlags::all(), ProtocolFlags::all()).expect("netstat2 works here");
    let mut rows = BTreeSet::new();
    for socket in sockets {
        let socket = socket.expect("netstat2 works here");
        let (protocol, local) = match &socket.protocol_socket_info {
            ProtocolSocketInfo::Tcp(tcp) if tcp.state == TcpState::Listen => {
                ("tcp", SocketAddr::new(tcp.local_addr, tcp.local_port))
            }
            ProtocolSocketInfo::Tcp(_) => continue,
            ProtocolSocketInfo::Udp(udp) => ("udp", SocketAddr::new(udp.local_addr, udp.local_port)),
        };
        if ports.contains(&local.port()) {
            rows.extend(socket.associated_pids.iter().map(|&pid| (protocol, local, pid)));
        }
    }
    rows
}

#[test]
fn netstat2_says_the_same_of_random_sets_of_sockets() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").subsec_nanos().into();
    let mut random = Random(seed);
    for round in 0..5 {
        let held = random_holders(&mut random);
        let said = held.iter().flat_map(|fixture| &fixture.said);
        let ports: Vec<u16> = said.filter_map(|word| Some(word.parse::<SocketAddr>().ok()?.port())).collect();
        let (ours, theirs) = (ours(&ports), theirs(&ports));
        assert!(ours.len() >= held.len(), "seed {seed}, round {round}");
        assert_eq!(ours, theirs, "seed {seed}, round {round}");
    }
}

#[test]
fn the_text_tables_say_the_same_where_netlink_is_refused() {
    // a listener with its client, and a connection without one: none of them changes by itself
    let server = Fixture::start(["serve", "--forks", "1", "127.0.0.2:0"]);
    let port = server.port().to_string();
    let v6 = Fixture::start(["hold", "tcp", &format!("[::1]:{port}")]);
    let udp = Fixture::start(["hold", "udp", &format!("127.0.0.1:{port}"), &format!("[::1]:{port}")]);
    let client = Fixture::start(["hold", "client", &v6.address().to_string()]);
    let left_over = Fixture::start(["hold", "left-over", &format!("127.0.0.1:{port}")]);
    let fixture = fixture_path();
    for arguments in [&["--json", &port][..], &["--json", "--connections", &port], &["--json", "-6", &port]] {
        let direct = port_who().args(arguments).any_stdout().run();
        let refused = Tool::new(&fixture.to_string_lossy())
            .args(["hold", "without-netlink", BINARY])
            .args(arguments)
            .any_stdout()
            .run();
        let without_time = |text: &str| {
            let mut records: Vec<Record> = decode(text);
            for record in &mut records {
                record.uptime_seconds = None;
            }
            records
        };
        assert_eq!(without_time(&direct.stdout), without_time(&refused.stdout));
        assert!(!refused.stdout.is_empty());
    }
    drop((v6, udp, client, left_over));
    let free = crate::support::free_port().to_string();
    Tool::new(&fixture.to_string_lossy()).args(["hold", "without-netlink", BINARY, &free]).status(1).run();
}
