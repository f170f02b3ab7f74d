//! Whether a server is used: its connections, looked at now and then.
//!
//! One that is open at a look is use, and so is one that began and ended since the last one: the kernel remembers a
//! connection for a minute after its end, at the end that closed it. One that was closed by a client elsewhere, between two
//! looks, is missed. What ensure-up asks to see whether it is healthy is no use; a command of `--then` is, as long as it runs.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use port_who::{Socket, SocketTableError, State};
use proc_tree::cli::duration;
use tokio::time::sleep;

use crate::server::{ask_count, lock, port as listening};

/// The pauses between looks are a tenth of the time, within these.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// How often this program has asked the server.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// This process.
    pub(super) here: Rc<Cell<u64>>,
    /// Where others note it.
    pub(super) elsewhere: PathBuf,
    /// What commands that use the server lock.
    pub(super) commands: PathBuf,
}

impl Asked {
    fn count(&self) -> u64 {
        self.here.get() + ask_count::count(&self.elsewhere)
    }
}

/// Returns once nobody has used the server of a port for so long; says so.
pub(super) async fn unused(port: u16, limit: Duration, asked: Asked) -> String {
    let pause = (limit / 10).clamp(SHORTEST, LONGEST);
    let mut usage = Usage { known: connections(port).unwrap_or_default().into_keys().collect(), ..Usage::default() };
    let (mut unused, mut count) = (Duration::ZERO, asked.count());
    while unused < limit {
        let began = Instant::now();
        sleep(pause.min(limit.saturating_sub(unused))).await;
        // of the time that this process was halted nothing is known
        unused += began.elapsed().min(pause * 2);
        let before = std::mem::replace(&mut count, asked.count());
        // what cannot be seen is not unused
        let is_asked = connections(port).map_or(true, |now| usage.is_used(&now, count.saturating_sub(before)));
        if is_asked || lock::is_held(&asked.commands) {
            unused = Duration::ZERO;
        }
    }
    format!("had no connection for {}", duration::uptime(limit))
}

/// Finds the connections to a port, each by its client's end, and whether they are open.
fn connections(port: u16) -> Result<BTreeMap<SocketAddr, bool>, SocketTableError> {
    let mut found = BTreeMap::new();
    for socket in listening::connections(port)? {
        if let Some(client) = client(&socket, port) {
            *found.entry(client).or_default() |= matches!(socket.state, State::Established | State::SynRecv);
        }
    }
    Ok(found)
}

/// Returns the client's end of a connection to the port of this machine. The end that closed it first may be all that is left.
fn client(socket: &Socket, port: u16) -> Option<SocketAddr> {
    let peer = socket.peer.filter(|peer| peer.port() != 0)?;
    if socket.local.port() == port {
        return Some(peer);
    }
    let is_here = peer.ip().to_canonical().is_loopback() || peer.ip() == socket.local.ip();
    (peer.port() == port && is_here).then_some(socket.local)
}

/// What was seen at the last look.
#[derive(Debug, Default)]
struct Usage {
    known: BTreeSet<SocketAddr>,
    /// What was asked then and not seen yet.
    unseen: u64,
}

impl Usage {
    /// Tells whether somebody else has used it since the last look; `asked` is how often this program has asked since then.
    fn is_used(&mut self, now: &BTreeMap<SocketAddr, bool>, asked: u64) -> bool {
        let stays = now.iter().any(|(client, &is_open)| is_open && self.known.contains(client));
        let new = now.keys().filter(|client| !self.known.contains(client)).count() as u64;
        let own = self.unseen + asked;
        self.unseen = own.saturating_sub(new).min(asked);
        self.known = now.keys().copied().collect();
        stays || new > own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(connections: &[(u16, bool)]) -> BTreeMap<SocketAddr, bool> {
        connections.iter().map(|&(port, is_open)| (([127, 0, 0, 1], port).into(), is_open)).collect()
    }

    #[test]
    fn what_is_new_or_open_is_use_but_for_as_many_as_were_asked_by_ourselves() {
        let mut usage = Usage::default();
        for (seen, asked, is_used) in [
            (&[][..], 0, false),
            (&[(1, true)], 0, true),
            (&[(1, true)], 0, true),
            (&[(1, false)], 0, false),
            (&[(1, false), (2, false)], 0, true),
            (&[(2, false)], 0, false),
            (&[(2, false), (3, false)], 1, false),
            (&[(3, false), (4, false), (5, false)], 1, true),
            // asked in the last moment before the look, and seen at the next one
            (&[(5, false)], 1, false),
            (&[(5, false), (6, false)], 0, false),
            (&[(6, false)], 1, false),
            (&[(6, false)], 0, false),
            (&[(7, false)], 0, true),
        ] {
            assert_eq!(usage.is_used(&now(seen), asked), is_used, "{seen:?} {asked}");
        }
    }
}
