//! Until when one attempt may take.

use std::time::Duration;

use proc_tree::cli::duration;
use tokio::time::{Instant, timeout_at};

use crate::reason::{Reason, Sign};

/// The end of an attempt: its own, or the deadline of the whole wait where that comes first.
#[derive(Debug)]
pub(crate) struct Limit {
    at: Option<Instant>,
    /// How long the attempt may take; `None` where the deadline comes first.
    own: Option<Duration>,
}

impl Limit {
    /// Sets the limit of an attempt that begins now.
    pub(crate) fn of(now: Instant, own: Option<Duration>, deadline: Option<Instant>) -> Self {
        let end = own.and_then(|own| now.checked_add(own));
        match (end, deadline) {
            (Some(end), Some(deadline)) if deadline < end => Self { at: Some(deadline), own: None },
            (Some(end), _) => Self { at: Some(end), own },
            (None, deadline) => Self { at: deadline, own: None },
        }
    }

    /// Returns when it is.
    pub(crate) fn end(&self) -> Option<Instant> {
        self.at
    }

    /// Works for as long as the limit allows.
    pub(crate) async fn keep<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.at {
            Some(at) => timeout_at(at, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// Tells whether it was the deadline that ended the attempt, before its own time was up.
    pub(crate) fn has_cut_short(&self, now: Instant) -> bool {
        self.own.is_none() && self.at.is_some_and(|at| now >= at)
    }

    /// Says what there was not, by the end of the limit.
    pub(crate) fn passed(&self, missing: &str) -> Reason {
        let words = match self.own {
            Some(own) => format!("{missing} within {}", duration::asked(own)),
            None => format!("{missing} yet"),
        };
        Reason::new(Sign::Silent, words)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn a_deadline_that_comes_first_is_not_the_attempts_own() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        for (own, deadline, words) in [
            (Some(second), None, "no answer within 1 s"),
            (Some(second), Some(now + 5 * second), "no answer within 1 s"),
            (Some(second), Some(now + second), "no answer within 1 s"),
            (Some(5 * second), Some(now + second), "no answer yet"),
            (Some(Duration::MAX), Some(now), "no answer yet"),
            (None, Some(now), "no answer yet"),
        ] {
            assert_eq!(Limit::of(now, own, deadline).passed("no answer").text, words);
        }
        for (own, deadline, later, cut_short) in [
            (None, Some(now), 0, true),
            (None, Some(now + second), 0, false),
            (Some(5 * second), Some(now + second), 1, true),
            (Some(second), Some(now + 5 * second), 9, false),
            (Some(second), None, 9, false),
            (None, None, 9, false),
        ] {
            assert_eq!(Limit::of(now, own, deadline).has_cut_short(now + later * second), cut_short);
        }
    }

    #[tokio::test]
    async fn an_attempt_has_until_its_limit() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        for (own, deadline, end) in [
            (Some(second), None, Some(now + second)),
            (Some(5 * second), Some(now + second), Some(now + second)),
            (None, Some(now), Some(now)),
            (None, None, None),
        ] {
            assert_eq!(Limit::of(now, own, deadline).end(), end);
            assert_eq!(Limit::of(now, own, deadline).keep(async { 7 }).await, Some(7));
        }
        assert_eq!(Limit::of(now, None, Some(now)).keep(pending::<()>()).await, None);
    }
}
