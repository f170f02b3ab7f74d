//! One holder of one socket, with everything that is told about both.

use std::{collections::HashMap, io, net::SocketAddr, time::SystemTime};

use proc_tree::{Facts, users};
use serde::Serialize;

use crate::{Protocol, Query, Socket, SocketTableError, State, holder, socket};

/// A socket and one process that has it open; `process` is `None` where no owner is visible.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The socket.
    pub socket: Socket,
    /// The process.
    pub process: Option<Facts>,
}

/// The answer to a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Every holder of every socket; a socket without a visible owner once.
    pub holdings: Vec<Holding>,
    /// How many processes could not be looked into.
    pub unreadable: usize,
}

impl Answer {
    /// Returns the PIDs of the holders, each once, in ascending order.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> =
            self.holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.pid)).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Returns the holdings whose owner is invisible. A socket that no process has open any more has no owner to see.
    pub fn invisible(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|holding| holding.is_invisible())
    }
}

impl Holding {
    /// Tells whether somebody holds the socket who cannot be seen.
    pub fn is_invisible(&self) -> bool {
        self.process.is_none() && (self.socket.inode != 0 || self.socket.state.is_holding())
    }
}

/// The ports' holders could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The socket table could not be read.
    #[error(transparent)]
    Sockets(#[from] SocketTableError),
    /// The process table could not be read.
    #[error("cannot read the process table")]
    Processes(#[source] io::Error),
}

/// Finds out who holds the ports.
///
/// # Errors
/// When the socket table or the process table cannot be read; "nobody" is never said for "I cannot see".
pub fn look(query: &Query) -> Result<Answer, LookError> {
    let sockets = socket::sockets(query)?;
    let holders = holder::holders(&sockets).map_err(LookError::Processes)?;
    let mut known: HashMap<u32, Option<Facts>> = HashMap::new();
    let mut holdings = Vec::with_capacity(sockets.len());
    for (socket, pids) in sockets.into_iter().zip(holders.pids) {
        let before = holdings.len();
        for pid in pids {
            let facts = known.entry(pid).or_insert_with(|| Facts::of(pid).ok().flatten());
            holdings.extend(facts.clone().map(|facts| Holding { socket: socket.clone(), process: Some(facts) }));
        }
        if holdings.len() == before {
            holdings.push(Holding { socket, process: None });
        }
    }
    Ok(Answer { holdings, unreadable: holders.unreadable })
}

/// The JSON form of a holding.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the contract names the keys")]
pub struct Record {
    pub port: u16,
    pub protocol: Protocol,
    pub address: String,
    pub peer: Option<SocketAddr>,
    pub state: State,
    pub inode: Option<u64>,
    pub uid: Option<u32>,
    pub user: Option<String>,
    pub pid: Option<u32>,
    pub start_id: Option<u64>,
    pub ppid: Option<u32>,
    pub name: Option<String>,
    pub command: Option<Vec<String>>,
    pub executable: Option<String>,
    pub cwd: Option<String>,
    pub started_at: Option<String>,
    pub uptime_seconds: Option<f64>,
    pub orphan: Option<bool>,
    pub netns: Option<u64>,
}

impl Record {
    /// Writes out a holding. `uid` and `user` are the process's, or the socket's where no process is visible.
    pub fn of(holding: &Holding) -> Self {
        let Holding { socket, process } = holding;
        let process = process.as_ref();
        let uid = process.and_then(|process| process.uid).or(socket.uid);
        Self {
            port: socket.local.port(),
            protocol: socket.protocol,
            address: socket.local.ip().to_string(),
            peer: socket.peer,
            state: socket.state,
            inode: (socket.inode != 0).then_some(socket.inode),
            uid,
            user: uid.and_then(users::name),
            pid: process.map(|process| process.pid),
            start_id: process.map(|process| process.start_id),
            ppid: process.map(|process| process.ppid),
            name: process.map(|process| process.name.clone()),
            command: process.and_then(|process| process.command.clone()),
            executable: process.and_then(|process| Some(process.executable.as_ref()?.to_string_lossy().into_owned())),
            cwd: process.and_then(|process| Some(process.cwd.as_ref()?.to_string_lossy().into_owned())),
            started_at: process.map(|process| humantime::format_rfc3339_millis(process.started_at).to_string()),
            uptime_seconds: process.map(|process| uptime_seconds(process.started_at)),
            orphan: None,
            netns: socket.netns,
        }
    }
}

/// Rounded to what the start is known to.
fn uptime_seconds(started_at: SystemTime) -> f64 {
    let seconds = SystemTime::now().duration_since(started_at).unwrap_or_default().as_secs_f64();
    (seconds * 100.0).round() / 100.0
}
