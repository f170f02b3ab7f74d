//! When to ask: the first time, again, and until when. No clock is read here.

use std::{
    future::pending,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

pub(crate) mod limit;

use crate::options::ProbeOptions;
use limit::Limit;

/// The shortest pause.
const FLOOR: Duration = Duration::from_millis(1);

/// When the targets of one wait are asked. A time that is too far away to be counted never comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    started: Instant,
    initial_delay: Duration,
    interval: Option<Duration>,
    attempt: Option<Duration>,
    deadline: Option<Instant>,
}

/// What an attempt tells about how soon to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// Whether the peer is on this machine.
    pub(crate) near: bool,
    /// Whether it said no at once.
    pub(crate) at_once: bool,
}

impl Schedule {
    /// Makes the schedule of a wait that begins now.
    pub(crate) fn new(options: &ProbeOptions, now: Instant, deadline: Option<Instant>) -> Self {
        let attempt = Some(options.attempt_timeout).filter(|limit| !limit.is_zero());
        let (initial_delay, interval) = (options.initial_delay, options.interval);
        Self { started: now, initial_delay, interval, attempt, deadline }
    }

    /// Returns for how long there has been waiting.
    pub(crate) fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Returns when the wait is given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Tells whether the deadline has passed.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// Returns when to ask for the first time.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.started.checked_add(self.initial_delay)
    }

    /// Returns when to ask again after an attempt that has ended now; `None` when never.
    ///
    /// While the peer says no at once, asking costs next to nothing, and the pause is a small share of the time waited
    /// so far: 1/1000 on this machine, so that the wait ends at most 0.1 % late, and 1/20 elsewhere. Anything else that
    /// is not yet healthy is left in peace for as long as the ceiling: 25 ms on this machine, 250 ms elsewhere.
    /// Elsewhere others may be waiting for the same peer: a fifth of the pause more or less, by `jitter` from 0 to 1,
    /// keeps them out of step.
    pub(crate) fn again(&self, now: Instant, pace: Pace, jitter: f64) -> Option<Instant> {
        let (ceiling, share) = if pace.near { (25, 1000) } else { (250, 20) };
        let ceiling = Duration::from_millis(ceiling);
        let adaptive = if pace.at_once { (self.waited(now) / share).clamp(FLOOR, ceiling) } else { ceiling };
        let adaptive = if pace.near { adaptive } else { adaptive.mul_f64(0.8 + 0.4 * jitter) };
        let again = now.checked_add(self.interval.unwrap_or(adaptive));
        again.filter(|_| !self.is_over(now))
    }

    /// Returns until when an attempt that begins now may take.
    pub(crate) fn limit(&self, now: Instant) -> Limit {
        Limit::of(now, self.attempt, self.deadline)
    }
}

/// Waits until an instant; for ever when it never comes.
pub(crate) async fn until(instant: Option<Instant>) {
    match instant {
        // the timer counts in milliseconds and rounds up: what is due now is not put off
        Some(instant) if instant <= Instant::now() => {}
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// Returns a number from 0 to 1; a map's random seed is random enough to keep strangers apart.
pub(crate) fn random() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    const REFUSED_HERE: Pace = Pace { near: true, at_once: true };
    const SLOW_HERE: Pace = Pace { near: true, at_once: false };
    const REFUSED_ELSEWHERE: Pace = Pace { near: false, at_once: true };
    const SLOW_ELSEWHERE: Pace = Pace { near: false, at_once: false };

    fn schedule(options: &ProbeOptions, timeout: Option<u64>) -> (Schedule, Instant) {
        let now = Instant::now();
        (Schedule::new(options, now, timeout.map(|seconds| now + Duration::from_secs(seconds))), now)
    }

    /// Asks on a clock that jumps from attempt to attempt; returns how many milliseconds into the wait each was.
    fn asked(schedule: &Schedule, pace: Pace, jitter: f64) -> Vec<u128> {
        let mut times = Vec::new();
        let mut next = schedule.first();
        while let Some(now) = next {
            times.push(schedule.waited(now).as_millis());
            next = schedule.again(now, pace, jitter);
        }
        times
    }

    #[test]
    fn the_pause_grows_with_the_wait_from_one_millisecond_to_the_ceiling() {
        let (schedule, started) = schedule(&ProbeOptions::default(), None);
        for (waited, pace, jitter, pause) in [
            (0, REFUSED_HERE, 0.5, 1.0),
            (1000, REFUSED_HERE, 0.5, 1.0),
            (2500, REFUSED_HERE, 0.0, 2.5),
            (60_000, REFUSED_HERE, 1.0, 25.0),
            (0, SLOW_HERE, 1.0, 25.0),
            (0, REFUSED_ELSEWHERE, 0.5, 1.0),
            (1000, REFUSED_ELSEWHERE, 0.5, 50.0),
            (1000, REFUSED_ELSEWHERE, 0.0, 40.0),
            (60_000, REFUSED_ELSEWHERE, 1.0, 300.0),
            (0, SLOW_ELSEWHERE, 0.0, 200.0),
        ] {
            let now = started + Duration::from_millis(waited);
            let again = schedule.again(now, pace, jitter).expect("there is no deadline");
            let found = (again - now).as_secs_f64() * 1000.0;
            assert!((found - pause).abs() < 0.001, "{waited} {pace:?} {jitter}: {found}");
        }
    }

    #[test]
    fn a_server_that_refuses_for_ten_seconds_is_found_at_most_a_thousandth_late() {
        let (schedule, _) = schedule(&ProbeOptions::default(), Some(10));
        let times = asked(&schedule, REFUSED_HERE, 0.5);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 2 + pair[0] / 1000), "{times:?}");
        assert!((3000..3600).contains(&times.len()), "{}", times.len());
    }

    #[test]
    fn an_interval_and_a_first_pause_that_were_asked_for_are_kept_up_to_the_deadline() {
        let seconds = Duration::from_secs;
        let options = ProbeOptions { initial_delay: seconds(2), interval: Some(seconds(3)), ..ProbeOptions::default() };
        for (timeout, expected) in [(10, &[2000, 5000, 8000, 11_000][..]), (5, &[2000, 5000]), (1, &[2000])] {
            assert_eq!(asked(&schedule(&options, Some(timeout)).0, REFUSED_ELSEWHERE, 0.0), expected);
        }
    }

    #[test]
    fn what_is_too_far_away_never_comes() {
        let forever = ProbeOptions {
            initial_delay: Duration::MAX,
            interval: Some(Duration::MAX),
            attempt_timeout: Duration::MAX,
            ..ProbeOptions::default()
        };
        let (schedule, now) = schedule(&forever, None);
        assert_eq!((schedule.first(), schedule.again(now, REFUSED_HERE, 0.0)), (None, None));
        assert!(!schedule.limit(now).has_cut_short(now + Duration::from_secs(1 << 30)));
    }

    #[test]
    fn the_deadline_is_the_one_that_was_set() {
        let (schedule, now) = schedule(&ProbeOptions::default(), Some(10));
        assert_eq!(schedule.deadline(), Some(now + Duration::from_secs(10)));
        let is_over = |seconds| schedule.is_over(now + Duration::from_secs(seconds));
        assert_eq!([0, 9, 10, 11].map(is_over), [false, false, true, true]);
    }

    #[tokio::test]
    async fn what_is_due_is_not_put_off_and_what_never_comes_is_waited_for() {
        let now = Instant::now();
        for (instant, is_due) in [(Some(now), true), (Some(now + Duration::from_hours(1)), false), (None, false)] {
            let mut waiting = std::pin::pin!(until(instant));
            let polled = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled.is_ready(), is_due, "{instant:?}");
        }
    }

    #[test]
    fn strangers_do_not_step_alike() {
        let numbers: Vec<f64> = (0..20).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..=1.0).contains(number)), "{numbers:?}");
        assert!(numbers.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.01), "{numbers:?}");
    }
}
