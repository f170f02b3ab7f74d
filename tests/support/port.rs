//! Ports for tests to serve on: below those that the kernel gives to clients, so that none is taken before a server binds it,
//! and others at each call.

use std::{
    collections::HashSet,
    fs::File,
    ops::Range,
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many ports are one process's: other tests may run at once, of other crates or of another copy of these sources.
const ROOM: u16 = 1_000;

/// Returns a port that nobody held a moment ago, on any address and by either protocol.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// Returns the first of so many such ports in a row.
pub fn free_ports(count: u16) -> u16 {
    static OURS: LazyLock<Mutex<Room>> = LazyLock::new(|| Mutex::new(Room::new()));
    super::children_have_default_signals();
    OURS.lock().unwrap_or_else(PoisonError::into_inner).take(count)
}

/// The ports of this process, each of them given once until all were.
struct Room {
    ports: Range<u16>,
    given: u16,
    /// Held as long as the process runs; none where every room is somebody's.
    _lock: Option<File>,
    held: HashSet<u16>,
    looked: Instant,
}

impl Room {
    fn new() -> Self {
        let ports = |number: u32| {
            let first = 10_000 + u16::try_from(number % 20).expect("below 20") * ROOM;
            first..first + ROOM
        };
        let mine = std::process::id();
        let locked = |number: u32| {
            let path = std::env::temp_dir().join(format!("ports-of-tests-{}", ports(number).start));
            // another user's file cannot be opened, and is another user's
            let file = File::options().create(true).append(true).open(path).ok()?;
            file.try_lock().ok().map(|()| (ports(number), Some(file)))
        };
        let (ports, lock) = (mine..mine + 20).find_map(locked).unwrap_or_else(|| (ports(mine), None));
        Self { held: held(&ports), ports, given: 0, _lock: lock, looked: Instant::now() }
    }

    fn take(&mut self, count: u16) -> u16 {
        // a look takes ten milliseconds, and there are hundreds of tests
        if self.looked.elapsed() > Duration::from_secs(1) {
            (self.held, self.looked) = (held(&self.ports), Instant::now());
        }
        for _ in 0..ROOM {
            let first = self.ports.start + self.given % (ROOM - count);
            self.given = self.given.wrapping_add(count);
            if (first..first + count).all(|port| !self.held.contains(&port)) {
                return first;
            }
        }
        panic!("the machine has no free ports");
    }
}

/// The ports that somebody holds, by the kernel's tables: a socket that is bound for a try is also that of each process
/// which another test forks in this moment, until its exec, and a tool would find it there.
#[cfg(target_os = "linux")]
fn held(ports: &Range<u16>) -> HashSet<u16> {
    let local = |line: &str| u16::from_str_radix(line.split_whitespace().nth(1)?.rsplit_once(':')?.1, 16).ok();
    let of_table = |table: &str| -> Vec<u16> {
        // a machine without IPv6 has no such table, and no holder there
        let text = std::fs::read_to_string(format!("/proc/self/net/{table}")).unwrap_or_default();
        text.lines().filter_map(local).collect()
    };
    let all = ["tcp", "tcp6", "udp", "udp6"].into_iter().flat_map(of_table);
    all.filter(|port| ports.contains(port)).collect()
}

#[cfg(not(target_os = "linux"))]
fn held(ports: &Range<u16>) -> HashSet<u16> {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
    let all: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let is_free = |&port: &u16| {
        all.into_iter().all(|any| TcpListener::bind((any, port)).is_ok() && UdpSocket::bind((any, port)).is_ok())
    };
    ports.clone().filter(|port| !is_free(port)).collect()
}
