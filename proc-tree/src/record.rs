//! What is told of a tree and of its members. The field names are the keys of the JSON record.

use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use crate::{Figures, Identity, Stat, facts::full_name, figures::thousandths, process, roots::Root};

/// What one tree uses; or, without a PID and by the name `total`, what all trees together use.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TreeRecord {
    /// The root's process ID; null for all trees together.
    pub pid: Option<u32>,
    /// Which of the processes that have, had or will have this PID: opaque; null for all trees together.
    pub start_id: Option<u64>,
    /// The root's name; of all trees together, `total`.
    pub name: String,
    /// The root's argument vector; null where it cannot be read or the kernel's process has none, and for all trees together.
    pub command: Option<Vec<String>>,
    /// What the root's main thread does: the letter of ps(1); null for all trees together, and where the root has ended.
    #[cfg_attr(test, schemars(with = "Option<char>"))]
    pub state: Option<process::RunState>,
    /// When the root started: RFC 3339, UTC; null for all trees together.
    #[serde(serialize_with = "moment")]
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub started_at: Option<SystemTime>,
    /// For how long the root has run, in seconds; null for all trees together.
    #[serde(rename = "uptime_seconds", serialize_with = "seconds")]
    #[cfg_attr(test, schemars(with = "Option<f64>"))]
    pub uptime: Option<Duration>,
    /// The given processes that this tree holds: the root, and others that descend from it.
    pub roots: Vec<u32>,
    /// How many processes it has; null where it was never seen.
    pub processes: Option<u64>,
    /// What they use together.
    #[serde(flatten)]
    pub figures: Figures,
    /// How long the CPU was measured, in milliseconds.
    pub interval_ms: u64,
    /// When the memory was read: RFC 3339, UTC.
    #[serde(serialize_with = "timestamp")]
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    pub sampled_at: SystemTime,
    /// The most memory that the whole tree had at any sample, in bytes, by `memory_measure`; null where it could not be read.
    pub peak_memory_bytes: Option<u64>,
    /// The most CPU that the whole tree used over any interval, in percent of one core; null where it could not be read.
    #[serde(serialize_with = "thousandths")]
    pub peak_cpu_percent: Option<f64>,
    /// Its processes; null where they were not asked for.
    pub members: Option<Vec<Member>>,
}

/// What one process uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Member {
    /// The process ID.
    pub pid: u32,
    /// Which of the processes that have, had or will have this PID: opaque.
    pub start_id: u64,
    /// The parent's process ID.
    pub ppid: u32,
    /// The process name.
    pub name: String,
    /// The argument vector; null where it cannot be read, or the kernel's process has none.
    pub command: Option<Vec<String>>,
    /// What its main thread does: the letter of ps(1).
    #[cfg_attr(test, schemars(with = "char"))]
    pub state: process::RunState,
    /// When it started: RFC 3339, UTC; null where it is not known.
    #[serde(serialize_with = "moment")]
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date-time")))]
    pub started_at: Option<SystemTime>,
    /// For how long it has run, in seconds; null where it is not known.
    #[serde(rename = "uptime_seconds", serialize_with = "seconds")]
    #[cfg_attr(test, schemars(with = "Option<f64>"))]
    pub uptime: Option<Duration>,
    /// What it uses.
    #[serde(flatten)]
    pub figures: Figures,
}

impl Member {
    pub(crate) fn new(stat: &Stat, figures: Figures, now: SystemTime) -> Self {
        let command = process::command(stat.pid).ok().flatten();
        Self {
            pid: stat.pid,
            start_id: stat.start_id,
            ppid: stat.parent,
            name: full_name(stat.name.clone(), command.as_deref(), None),
            command,
            state: stat.state,
            started_at: Some(stat.started.time()),
            uptime: Some(now.duration_since(stat.started.time()).unwrap_or_default()),
            figures,
        }
    }
}

impl TreeRecord {
    /// The name of the record that sums all trees.
    pub(crate) const TOTAL: &str = "total";

    /// Makes the record of a tree that was never sampled.
    pub fn unknown(root: &Root) -> Self {
        Self {
            pid: Some(root.identity.pid),
            start_id: Some(root.identity.start_id),
            name: root.name.clone(),
            command: root.command.clone(),
            started_at: Some(root.started_at()),
            roots: root.pids.clone(),
            ..Self::blank()
        }
    }

    /// A record of nothing.
    pub(crate) fn blank() -> Self {
        Self {
            pid: None,
            start_id: None,
            name: String::new(),
            command: None,
            state: None,
            started_at: None,
            uptime: None,
            roots: Vec::new(),
            processes: None,
            figures: Figures::UNKNOWN,
            interval_ms: 0,
            sampled_at: SystemTime::now(),
            peak_memory_bytes: None,
            peak_cpu_percent: None,
            members: None,
        }
    }

    /// Returns the root's identity; the total has none.
    pub fn identity(&self) -> Option<Identity> {
        Some(Identity { pid: self.pid?, start_id: self.start_id? })
    }
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn moment<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| humantime::format_rfc3339_millis(time).to_string()).serialize(serializer)
}

/// To the hundredth: the start is not known better everywhere.
#[expect(clippy::ref_option, reason = "serde passes references")]
fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| (duration.as_secs_f64() * 100.0).round() / 100.0).serialize(serializer)
}

/// RFC 3339, UTC, milliseconds.
fn timestamp<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}
