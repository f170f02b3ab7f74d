//! What a wait found: how it ended, and what became of each target.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{target::Target, verdict::Verdict};

/// What a wait found.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// The record of each target, in their order.
    pub records: Vec<TargetRecord>,
    /// The positions of the targets that are not as awaited.
    pub pending: Vec<usize>,
    /// How long it took.
    pub waited: Duration,
}

/// What became of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TargetRecord {
    /// The target, as it was given.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub target: Target,
    /// Whether it was healthy when it was last asked; `false` after a wait for its end.
    pub healthy: bool,
    /// Where the last answer came from: an IP address, or the path of a socket; null where none came, and after a wait for its end.
    pub address: Option<String>,
    /// How many times it was asked: at the address that is healthy, else at the one that was asked most often.
    pub attempts: u64,
    /// For how long it was waited for, in milliseconds.
    pub waited_ms: u64,
    /// How long the last answer took, in milliseconds; null where it was not healthy.
    pub latency_ms: Option<u64>,
    /// The HTTP status of the last answer; null where none came or it was not HTTP, and after a wait for its end.
    pub status: Option<u16>,
    /// The last reason why it was not as awaited; null where it always was.
    pub last_error: Option<String>,
}

impl Report {
    /// Makes the report of a wait that ended before it began.
    pub fn unasked(targets: &[Target], verdict: Verdict) -> Self {
        let records = targets.iter().cloned().map(TargetRecord::unasked).collect();
        Self { verdict, records, pending: (0..targets.len()).collect(), waited: Duration::ZERO }
    }
}

impl TargetRecord {
    /// Makes the record of a target that was not asked yet.
    pub(crate) fn unasked(target: Target) -> Self {
        Self {
            target,
            healthy: false,
            address: None,
            attempts: 0,
            waited_ms: 0,
            latency_ms: None,
            status: None,
            last_error: None,
        }
    }
}

fn as_text<S: Serializer>(target: &Target, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(target)
}

/// Counts milliseconds, as records have them.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
