//! Ports for tests to serve on: below those that the kernel gives to clients, so that none is taken before a server binds it,
//! and others at each call.

use std::{
    fs::File,
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

/// How many ports are one process's: other tests may run at once, of other crates or of another copy of these sources.
const ROOM: u16 = 1_000;

/// Returns a port that nobody held a moment ago, on any address and by either protocol.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// Returns the first of so many such ports in a row.
pub fn free_ports(count: u16) -> u16 {
    static ROOM_OF_OURS: LazyLock<(u16, Option<File>)> = LazyLock::new(room);
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    super::children_have_default_signals();
    let first = ROOM_OF_OURS.0;
    (0..ROOM)
        .map(|_| first + TAKEN.fetch_add(count, Ordering::Relaxed) % (ROOM - count))
        .find(|&first| (first..first + count).all(is_free))
        .expect("the machine has free ports")
}

/// Returns the first port of a row that is this process's for as long as the lock is held; one that others may have too
/// where none is left.
fn room() -> (u16, Option<File>) {
    let first = |number: u32| 10_000 + u16::try_from(number % 20).expect("below 20") * ROOM;
    let mine = std::process::id();
    let locked = |number: u32| {
        let path = std::env::temp_dir().join(format!("ports-of-tests-{}", first(number)));
        // another user's file cannot be opened, and is another user's
        let file = File::options().create(true).append(true).open(path).ok()?;
        file.try_lock().ok().map(|()| (first(number), Some(file)))
    };
    (mine..mine + 20).find_map(locked).unwrap_or_else(|| (first(mine), None))
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
