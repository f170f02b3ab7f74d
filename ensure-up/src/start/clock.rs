//! The time that one call takes and has.
//!
//! While a machine sleeps, no time passes for what is waited for: deadlines, graces, backoff, the breaker's window, how long a
//! server is idle or nobody holds its port. They are on the clock that stands still then (`CLOCK_MONOTONIC`, which
//! [`Instant`] is on Linux): nobody could have come up, ended, answered or been used meanwhile, and a laptop that is opened
//! again must not find its servers stopped or given up. Only how long a server has been up counts the sleep, as ps(1) does.

use std::time::{Duration, Instant, SystemTime};

/// The time for a log and for a record: RFC 3339, UTC.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// Measures one call.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    /// When to give up.
    pub deadline: Option<Instant>,
    limit: Duration,
}

impl Clock {
    /// Starts to measure; without a limit there is no deadline.
    pub fn start(limit: Option<Duration>) -> Self {
        let started = Instant::now();
        let deadline = limit.and_then(|limit| started.checked_add(limit));
        Self { started, deadline, limit: limit.unwrap_or_default() }
    }

    /// Returns how long the call has taken.
    pub fn took(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how long it may take.
    pub fn limit(&self) -> Duration {
        self.limit
    }
}
