//! When to start a server again, and when to give up: backoff and circuit breaker. Knows no clock but the times it is told.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::service::backoff::{Backoff, Limit};

/// What follows a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Start it again after this pause.
    Restart(Duration),
    /// Give up.
    Open,
}

/// Remembers a server's restarts.
#[derive(Debug, Clone)]
pub struct Breaker {
    backoff: Backoff,
    limit: Limit,
    restarts: VecDeque<Instant>,
    in_a_row: u32,
}

impl Breaker {
    /// Starts with a clean record.
    pub fn new(backoff: Backoff, limit: Limit) -> Self {
        Self { backoff, limit, restarts: VecDeque::new(), in_a_row: 0 }
    }

    /// Starts with a clean record again.
    pub fn forget(&mut self) {
        self.restarts.clear();
        self.in_a_row = 0;
    }

    /// Takes note of a crash; `healthy` is for how long the server was healthy before.
    ///
    /// A server that was healthy for the whole window starts with a clean record again.
    pub fn crashed(&mut self, now: Instant, healthy: Duration) -> Decision {
        if healthy >= self.limit.window {
            self.forget();
        }
        self.restarts.retain(|&at| now.duration_since(at) < self.limit.window);
        if self.restarts.len() >= self.limit.restarts as usize {
            return Decision::Open;
        }
        let factor = 1_u32.checked_shl(self.in_a_row).unwrap_or(u32::MAX);
        let pause = self.backoff.first.saturating_mul(factor).min(self.backoff.longest);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.restarts.push_back(now + pause);
        Decision::Restart(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Breaker {
        Breaker::new("1s..16s".parse().expect("a backoff"), "5/60s".parse().expect("a limit"))
    }

    #[test]
    fn the_pauses_double_and_the_sixth_crash_within_a_minute_opens_the_breaker() {
        let (mut breaker, mut now) = (breaker(), Instant::now());
        for pause in [1, 2, 4, 8, 16] {
            assert_eq!(breaker.crashed(now, Duration::ZERO), Decision::Restart(SECOND * pause));
            now += SECOND * pause;
        }
        assert_eq!(breaker.crashed(now, Duration::ZERO), Decision::Open);
    }

    #[test]
    fn the_longest_pause_is_kept_while_the_window_lets_restarts_go_on() {
        let (mut breaker, mut now) = (breaker(), Instant::now());
        for _ in 0..40 {
            let Decision::Restart(pause) = breaker.crashed(now, SECOND * 10) else {
                panic!("too many within a minute")
            };
            now += pause + SECOND * 10;
        }
        assert_eq!(breaker.crashed(now, SECOND * 10), Decision::Restart(SECOND * 16));
    }

    #[test]
    fn a_minute_of_health_wipes_the_record() {
        let (mut breaker, mut now) = (breaker(), Instant::now());
        for _ in 0..5 {
            breaker.crashed(now, Duration::ZERO);
        }
        now += SECOND * 61;
        assert_eq!(breaker.crashed(now, SECOND * 60), Decision::Restart(SECOND));
    }

    #[test]
    fn a_restart_counts_from_the_end_of_its_pause_and_no_longer_than_the_window() {
        let now = Instant::now();
        for (since, expected) in [(13, Decision::Open), (14, Decision::Restart(SECOND * 4))] {
            let mut breaker = Breaker::new("4s..4s".parse().expect("a backoff"), "1/10s".parse().expect("a limit"));
            assert_eq!(breaker.crashed(now, Duration::ZERO), Decision::Restart(SECOND * 4));
            assert_eq!(breaker.crashed(now + SECOND * since, Duration::ZERO), expected, "after {since} s");
        }
    }

    #[test]
    fn no_restarts_may_be_allowed() {
        let mut breaker = Breaker::new("0..0".parse().expect("a backoff"), "0/1s".parse().expect("a limit"));
        assert_eq!(breaker.crashed(Instant::now(), Duration::ZERO), Decision::Open);
    }
}
