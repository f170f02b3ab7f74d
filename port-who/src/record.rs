//! One holder of one socket, with everything that is told about both.

use std::{net::SocketAddr, time::SystemTime};

use proc_tree::{Facts, users};
use serde::Serialize;

use crate::{
    Holding, Protocol, State,
    origin::{Origin, StartedBy, is_orphan},
};

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
        let orphan = holding.process.as_ref().and_then(is_orphan);
        Self { orphan, ..Self::without_origin(holding) }
    }

    fn without_origin(holding: &Holding) -> Self {
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
            started_at: process.map(|process| time(process.started_at)),
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

/// One of the processes that a process descends from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ancestor {
    /// Its process ID.
    pub pid: u32,
    /// Its start, for identity.
    pub start_id: u64,
    /// Its name.
    pub name: String,
}

/// A record with what is told only where it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FullRecord {
    #[serde(flatten)]
    record: Record,
    #[serde(flatten)]
    why: Option<Why>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampled_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Why {
    /// From the parent up.
    ancestors: Option<Vec<Ancestor>>,
    started_by: Option<StartedBy>,
}

impl FullRecord {
    /// Writes out a holding with the time of its round, where there are rounds.
    pub fn of(holding: &Holding, sampled_at: Option<SystemTime>) -> Self {
        Self { record: Record::of(holding), why: None, sampled_at: sampled_at.map(time) }
    }

    /// Writes out a holding with where its process comes from.
    pub fn explained(holding: &Holding, origin: Option<&Origin>, sampled_at: Option<SystemTime>) -> Self {
        let ancestor =
            |process: &Facts| Ancestor { pid: process.pid, start_id: process.start_id, name: process.name.clone() };
        let why = Why {
            ancestors: origin.map(|origin| origin.ancestors.iter().map(ancestor).collect()),
            started_by: origin.and_then(|origin| origin.started_by.clone()),
        };
        let record = Record { orphan: origin.and_then(|origin| origin.orphan), ..Record::without_origin(holding) };
        Self { record, why: Some(why), sampled_at: sampled_at.map(time) }
    }
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}
