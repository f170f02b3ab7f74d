//! The name of the container behind a port, asked of its runtime's own command.

use std::{
    io::Read,
    net::{IpAddr, SocketAddr},
    os::fd::{AsFd, BorrowedFd},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use port_who::Protocol;
use proc_tree::{Handle, Identity, handle};

/// How long the runtime may take: a hint is not worth more.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much it may say, in bytes.
const MOST: usize = 1 << 20;

/// Finds the container that publishes a port there; `None` where the command is not installed, does not answer, or knows none.
pub(super) fn publishing(protocol: Protocol, local: SocketAddr, runtime: &str) -> Option<String> {
    let mut command = Command::new(runtime);
    command.args(["ps", "--format", "{{.Names}}\t{{.Ports}}"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let listed = listed(&mut child, Instant::now() + PATIENCE);
    if listed.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    let listed = listed.filter(|_| status.success())?;
    published(&String::from_utf8_lossy(&listed), protocol, local)
}

/// Reads what the command says until it has ended, as more than a pipe takes would keep it from that; `None` where it takes too long.
fn listed(child: &mut Child, deadline: Instant) -> Option<Vec<u8>> {
    let mut output = child.stdout.take()?;
    // what has ended already cannot be opened, and its pipe tells all
    let process = Identity::of(child.id()).ok().flatten().and_then(|process| Handle::open(process).ok().flatten());
    let (mut listed, mut piece) = (Vec::new(), [0; 4096]);
    let mut is_open = true;
    while listed.len() <= MOST {
        // what is seen behind the end of the process is all that it has said
        let watched: Vec<BorrowedFd<'_>> =
            process.iter().map(AsFd::as_fd).chain(is_open.then_some(output.as_fd())).collect();
        let until = if process.is_some() { deadline } else { Instant::now() };
        let ready = handle::ended(&watched, Some(until)).ok()?;
        if is_open && ready.last() == Some(&(watched.len() - 1)) {
            let read = output.read(&mut piece).ok()?;
            is_open = read > 0;
            listed.extend(&piece[..read]);
        } else if process.is_none() || !ready.is_empty() {
            // a descendant of the command that lives on would keep the pipe open: what is there is enough
            return Some(listed);
        } else {
            return None;
        }
    }
    None
}

/// Finds the container that publishes a port in lines of a name and `0.0.0.0:8000-8001->80-81/tcp, [::]:8000->80/tcp`.
fn published(listed: &str, protocol: Protocol, local: SocketAddr) -> Option<String> {
    let publishes = |ports: &str| {
        ports.split(',').filter_map(|one| one.trim().split_once("->")).any(|(here, there)| {
            let (address, range) = here.rsplit_once(':').unwrap_or(("", here));
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            let (low, high) = (low.parse::<u16>(), high.parse::<u16>());
            low.is_ok_and(|low| low <= local.port())
                && high.is_ok_and(|high| local.port() <= high)
                && there.rsplit_once('/').is_none_or(|(_, named)| named == protocol.to_string())
                && overlaps(address, local.ip().to_canonical())
        })
    };
    let mut rows = listed.lines().filter_map(|line| line.split_once('\t'));
    rows.find(|(_, ports)| publishes(ports)).map(|(name, _)| name.to_owned())
}

/// Tells whether what is published on an address, written as `0.0.0.0`, `[::]`, `::` or not at all, is what listens on another.
fn overlaps(published: &str, local: IpAddr) -> bool {
    let address = published.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(true, |address| address.is_unspecified() || local.is_unspecified() || address == local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_the_one_whose_published_ports_have_this_one_among_them() {
        let listed = "db\t5432/tcp\n\
                      names\t0.0.0.0:8080->53/udp, [::]:8080->53/udp\n\
                      web\t0.0.0.0:8080->80/tcp, [::]:8080->80/tcp\n\
                      old\t:::8081->80/tcp\n\
                      one\t192.168.1.2:443->443/tcp\n\
                      two\t192.168.1.3:443->443/tcp, [fd00::1]:443->443/tcp\n\
                      many\t0.0.0.0:9000-9003->9000-9003/tcp\n";
        for (local, protocol, name) in [
            ("127.0.0.1:8080", Protocol::Tcp, Some("web")),
            ("[::]:8080", Protocol::Tcp, Some("web")),
            ("0.0.0.0:8080", Protocol::Udp, Some("names")),
            ("[::]:8081", Protocol::Tcp, Some("old")),
            ("192.168.1.2:443", Protocol::Tcp, Some("one")),
            ("192.168.1.3:443", Protocol::Tcp, Some("two")),
            ("[::ffff:192.168.1.3]:443", Protocol::Tcp, Some("two")),
            ("[fd00::1]:443", Protocol::Tcp, Some("two")),
            ("192.168.1.4:443", Protocol::Tcp, None),
            ("192.168.1.2:443", Protocol::Udp, None),
            ("0.0.0.0:80", Protocol::Tcp, None),
            ("0.0.0.0:5432", Protocol::Tcp, None),
            ("0.0.0.0:9000", Protocol::Tcp, Some("many")),
            ("0.0.0.0:9003", Protocol::Tcp, Some("many")),
            ("0.0.0.0:9004", Protocol::Tcp, None),
        ] {
            let found = published(listed, protocol, local.parse().expect("an address"));
            assert_eq!(found.as_deref(), name, "{local} {protocol}");
        }
        let local = ([127, 0, 0, 1], 80).into();
        assert_eq!(published("Cannot connect to the Docker daemon\n", Protocol::Tcp, local), None);
    }
}
