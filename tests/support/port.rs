//! Ports for tests to serve on: below those that the kernel gives to clients, so that none is taken before a server binds it,
//! and others at each call.

use std::sync::atomic::{AtomicU16, Ordering};

/// Returns a port that nobody held a moment ago, on any address and by either protocol.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// Returns the first of so many such ports in a row.
pub fn free_ports(count: u16) -> u16 {
    const FIRST: u16 = 10_000;
    const ALL: u16 = 20_000;
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    super::children_have_default_signals();
    // tests of several crates may run at once
    let offset = u16::try_from(std::process::id() % 40).expect("below 40") * 500;
    (0..ALL)
        .map(|_| FIRST + (offset + TAKEN.fetch_add(count, Ordering::Relaxed) % ALL) % ALL)
        .find(|&first| (first..first + count).all(is_free))
        .expect("the machine has free ports")
}

/// Asks the kernel's tables: a socket that is bound for a try is also that of each process which another test forks in this
/// moment, until its exec, and a tool would find it there.
#[cfg(target_os = "linux")]
fn is_free(port: u16) -> bool {
    let end = format!(":{port:04X}");
    let is_local = |line: &str| line.split_whitespace().nth(1).is_some_and(|address| address.ends_with(&end));
    ["tcp", "tcp6", "udp", "udp6"].iter().all(|table| {
        // a machine without IPv6 has no such table, and no holder there
        let table = std::fs::read_to_string(format!("/proc/self/net/{table}")).unwrap_or_default();
        !table.lines().any(is_local)
    })
}

#[cfg(not(target_os = "linux"))]
fn is_free(port: u16) -> bool {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
    let all: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    all.into_iter().all(|any| TcpListener::bind((any, port)).is_ok() && UdpSocket::bind((any, port)).is_ok())
}
