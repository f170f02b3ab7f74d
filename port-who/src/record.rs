//! What is written of one holder of one socket, with everything that is told about both.

use std::{net::SocketAddr, time::SystemTime};

use proc_tree::{Facts, users};
use serde::Serialize;

use crate::{
    answer::Holding,
    origin::{Origin, Origins, StartedBy, is_orphan},
    port::Protocol,
    socket::State,
};

/// A process that holds a port, or a socket whose processes cannot be seen.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("dependentRequired" = { "ancestors": ["started_by"], "started_by": ["ancestors"] })))]
pub(crate) struct PortRecord {
    /// The port.
    #[cfg_attr(test, schemars(range(min = 1)))]
    port: u16,
    /// The transport protocol.
    protocol: Protocol,
    /// The socket's own IP address.
    address: String,
    /// The address and port of the other end of a connection; null where there is none.
    peer: Option<SocketAddr>,
    /// The state of the socket: of TCP as in RFC 9293, of UDP `bound` or `established`.
    state: State,
    /// The socket's inode; null where no process has it open.
    inode: Option<u64>,
    /// The user ID of the process, or of the socket where no process can be seen; null where that is not told either.
    uid: Option<u32>,
    /// The name of that user; null where the system knows none.
    user: Option<String>,
    /// The process ID; null where no process can be seen.
    pid: Option<u32>,
    /// Which of the processes that have, had or will have this PID: opaque; null as `pid` is.
    start_id: Option<u64>,
    /// The parent's process ID; null where no process can be seen.
    ppid: Option<u32>,
    /// The process name; null where no process can be seen.
    name: Option<String>,
    /// The argument vector; null where it cannot be read, or the kernel's process has none.
    command: Option<Vec<String>>,
    /// The path of the program; null where it cannot be read.
    executable: Option<String>,
    /// The working folder; null where it cannot be read.
    cwd: Option<String>,
    /// When the process started: RFC 3339, UTC; null where no process can be seen.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    started_at: Option<String>,
    /// For how long it has run, in seconds; null where no process can be seen.
    uptime_seconds: Option<f64>,
    /// Whether its parent ended and nobody who would look after it owns it; null where that cannot be seen.
    orphan: Option<bool>,
    /// The inode of the network namespace that the socket is in (Linux); null elsewhere, and where it cannot be read.
    netns: Option<u64>,
    /// Told only where it was asked for.
    #[serde(flatten)]
    why: Option<Why>,
    /// When its round was (`--watch`): RFC 3339, UTC.
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    sampled_at: Option<String>,
}

/// Where a process comes from.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Why {
    /// The processes above it, the parent first (`--why`); null where no process can be seen.
    ancestors: Option<Vec<Ancestor>>,
    /// What started it (`--why`); null where nothing that has a name did, or that cannot be seen.
    started_by: Option<StartedBy>,
}

/// A process above another one.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Ancestor {
    /// The process ID.
    pid: u32,
    /// Which of the processes that have, had or will have this PID: opaque.
    start_id: u64,
    /// The process name.
    name: String,
}

/// A port that is free, as `--free` finds them.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FreePort {
    /// The port.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) port: u16,
}

impl PortRecord {
    /// Writes out a holding; with `origins`, also where its process comes from. Without them only whether it is an orphan is
    /// told, and looked up here.
    pub(crate) fn of(holding: &Holding, origins: Option<&Origins>, sampled_at: Option<SystemTime>) -> Self {
        let Holding { socket, process } = holding;
        let process = process.as_ref();
        let uid = process.and_then(|process| process.uid).or(socket.uid);
        let origin = origins.map(|origins| process.and_then(|process| origins.get(&process.pid)));
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
            command: process.and_then(|process| process.command.as_deref().map(without_padding)),
            executable: process.and_then(|process| Some(process.executable.as_ref()?.to_string_lossy().into_owned())),
            cwd: process.and_then(|process| Some(process.cwd.as_ref()?.to_string_lossy().into_owned())),
            started_at: process.map(|process| time(process.started_at)),
            uptime_seconds: process.map(|process| uptime_seconds(process.started_at)),
            orphan: match origin {
                Some(origin) => origin.and_then(|origin| origin.orphan),
                None => process.and_then(is_orphan),
            },
            netns: socket.netns,
            why: origin.map(Why::of),
            sampled_at: sampled_at.map(time),
        }
    }
}

impl Why {
    fn of(origin: Option<&Origin>) -> Self {
        let ancestor =
            |process: &Facts| Ancestor { pid: process.pid, start_id: process.start_id, name: process.name.clone() };
        Self {
            ancestors: origin.map(|origin| origin.ancestors.iter().map(ancestor).collect()),
            started_by: origin.and_then(|origin| origin.started_by.clone()),
        }
    }
}

/// A title that a program gave itself is one word; what is left of its command line behind that is empty.
fn without_padding(words: &[String]) -> Vec<String> {
    match words {
        [title, padding @ ..] if title.contains(' ') && padding.iter().all(String::is_empty) => {
            vec![title.trim_end().to_owned()]
        }
        words => words.to_vec(),
    }
}

/// Rounded to what the start is known to.
fn uptime_seconds(started_at: SystemTime) -> f64 {
    let seconds = SystemTime::now().duration_since(started_at).unwrap_or_default().as_secs_f64();
    (seconds * 100.0).round() / 100.0
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
