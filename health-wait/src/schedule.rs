//! When to ask again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use crate::probe::Pace;

/// The shortest pause.
const FLOOR: Duration = Duration::from_millis(1);

/// Returns how long to pause after an attempt, `waited` into the wait.
///
/// While the peer says no at once, asking costs next to nothing, and the pause is a small share of the time waited so
/// far: 1/1000 on this machine, so that the wait ends at most 0.1 % late, and 1/20 elsewhere. Anything else that is not
/// yet healthy is left in peace for as long as the ceiling: 25 ms on this machine, 250 ms elsewhere. Elsewhere others
/// may be waiting for the same peer: a fifth of the pause more or less keeps them out of step.
pub(crate) fn pause(fixed: Option<Duration>, waited: Duration, pace: Pace) -> Duration {
    if let Some(fixed) = fixed {
        return fixed;
    }
    let (ceiling, share) = if pace.near { (25, 1000) } else { (250, 20) };
    let ceiling = Duration::from_millis(ceiling);
    let pause = if pace.at_once { (waited / share).clamp(FLOOR, ceiling) } else { ceiling };
    if pace.near { pause } else { pause.mul_f64(0.8 + 0.4 * random()) }
}

/// Returns a number from 0 to 1; a map's random seed is random enough to keep strangers apart.
fn random() -> f64 {
    f64::from(u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused(waited: u64, near: bool, at_once: bool) -> f64 {
        pause(None, Duration::from_millis(waited), Pace { near, at_once }).as_secs_f64() * 1000.0
    }

    #[test]
    fn the_pause_grows_with_the_wait_from_one_millisecond_to_the_ceiling() {
        for (waited, expected) in [(0, 1.0), (1000, 1.0), (2500, 2.5), (10_000, 10.0), (60_000, 25.0)] {
            assert!((paused(waited, true, true) - expected).abs() < 0.001, "{waited}");
            assert!((paused(waited, true, false) - 25.0).abs() < 0.001, "{waited}");
        }
    }

    #[test]
    fn elsewhere_the_pause_is_longer_and_never_the_same() {
        for (waited, at_once, about) in [(0, true, 1.0), (1000, true, 50.0), (60_000, true, 250.0), (0, false, 250.0)] {
            let pauses: Vec<f64> = (0..20).map(|_| paused(waited, false, at_once)).collect();
            assert!(pauses.iter().all(|pause| (about * 0.8..=about * 1.2001).contains(pause)), "{pauses:?}");
            assert!(pauses.windows(2).any(|pair| (pair[0] - pair[1]).abs() > about / 1000.0), "{pauses:?}");
        }
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept() {
        let fixed = Some(Duration::from_secs(3));
        assert_eq!(pause(fixed, Duration::ZERO, Pace { near: false, at_once: true }), Duration::from_secs(3));
    }
}
