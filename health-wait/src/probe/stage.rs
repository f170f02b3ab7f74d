//! How far an attempt has come.

use std::{cell::Cell, time::Duration};

use tokio::time::Instant;

use crate::{reason::Reason, schedule::limit::Limit};

/// Timers are this fine.
const GRAIN: Duration = Duration::from_millis(2);

/// How far an attempt has come, for the words when its time is up.
#[derive(Debug)]
pub(super) struct Stage {
    step: Cell<Step>,
    /// When its time is up.
    end: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Step {
    #[default]
    Connecting,
    Securing,
    Asked,
    Reading,
}

impl Stage {
    pub(super) fn of(limit: &Limit) -> Self {
        Self { step: Cell::default(), end: limit.end() }
    }

    pub(super) fn enter(&self, step: Step) {
        self.step.set(step);
    }

    /// Returns when to be done with what the outcome does not depend on: after so long, and before the attempt's time is up.
    pub(super) fn spare(&self, most: Duration) -> Instant {
        let most = Instant::now() + most;
        self.end.and_then(|end| end.checked_sub(GRAIN)).map_or(most, |end| most.min(end))
    }

    pub(super) fn timed_out(&self, limit: &Limit) -> Reason {
        let missing = match self.step.get() {
            Step::Connecting => "no connection",
            Step::Securing => "no TLS handshake",
            Step::Asked => "no answer",
            Step::Reading => "no end of the answer",
        };
        limit.passed(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_outcome_does_not_depend_on_is_done_before_the_attempts_time_is_up() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let spare = |limit| Stage::of(&Limit::of(now, limit, None)).spare(second);
        assert!(spare(Some(second)) < now + second);
        assert!(spare(Some(Duration::ZERO)) < now + GRAIN);
        assert!((now + second..).contains(&spare(None)) && (now + second..).contains(&spare(Some(9 * second))));
    }
}
