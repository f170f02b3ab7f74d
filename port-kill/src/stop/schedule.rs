//! What comes next in a stop: what is seen and what time it is go in, the next step comes out.

use std::time::{Duration, Instant};

use proc_tree::Signal;

use super::{options::StopOptions, program::stop_signal};
use crate::outcome::Role;

/// How long a process may take to end after SIGKILL. It cannot ignore that, but giving tens of GiB back takes seconds.
const KILL_PATIENCE: Duration = Duration::from_secs(30);

/// A hundred years: as good as never, where a grace is beyond the clock.
const AGES: Duration = Duration::from_hours(876_000);

/// What is seen of the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether the caller wants to stop waiting.
    pub(super) interrupted: bool,
    /// Whether there are some that were not signalled yet.
    pub(super) fresh: bool,
    /// Whether there are some that may still be waited for.
    pub(super) open: bool,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Signal those that were not signalled yet.
    Signal,
    /// Wait until one of them ends, or until then.
    Wait(Instant),
    /// Send SIGTERM once more to those that have not answered it: a program may lose one that comes while it starts.
    Repeat,
    /// Send SIGKILL to all that are left.
    Kill,
    /// Leave it at that.
    Finish(Finish),
}

/// How a stop is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// There is nobody left to wait for.
    AllEnded,
    /// Nothing more can be done about those that are left.
    OutOfTime,
    /// The caller wants to stop waiting.
    Interrupted,
}

/// The times of a stop. The grace begins with the first step and is not begun again when processes join later.
#[derive(Debug)]
pub(super) struct Schedule {
    signal: Option<Signal>,
    grace: Duration,
    escalate: bool,
    /// When SIGTERM is sent once more; `None` once that is done.
    repeat: Option<Instant>,
    grace_ends: Option<Instant>,
    patience_ends: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(options: &StopOptions) -> Self {
        let StopOptions { signal, grace, escalate, .. } = *options;
        Self { signal, grace, escalate, repeat: None, grace_ends: None, patience_ends: None }
    }

    /// Decides what comes next.
    pub(super) fn next(&mut self, now: Instant, seen: Seen) -> Step {
        if seen.interrupted {
            return Step::Finish(Finish::Interrupted);
        }
        let grace_ends = match self.grace_ends {
            Some(ends) => ends,
            None => self.begin(now),
        };
        if seen.fresh {
            // those who join after the others were killed are killed too
            self.patience_ends = None;
            return Step::Signal;
        }
        match self.patience_ends {
            _ if !seen.open => Step::Finish(Finish::AllEnded),
            _ if now < grace_ends => match self.repeat {
                Some(repeat) if now >= repeat => {
                    self.repeat = None;
                    Step::Repeat
                }
                repeat => Step::Wait(repeat.unwrap_or(grace_ends)),
            },
            None if self.escalate => {
                self.patience_ends = Some(later(now, KILL_PATIENCE));
                Step::Kill
            }
            Some(patience_ends) if now < patience_ends => Step::Wait(patience_ends),
            _ => Step::Finish(Finish::OutOfTime),
        }
    }

    /// Tells whether there is time to answer the first signal.
    pub(super) fn waits(&self) -> bool {
        !self.grace.is_zero()
    }

    /// Returns when SIGKILL follows; `None` where it does not, or was sent.
    pub(super) fn kills_at(&self) -> Option<Instant> {
        self.grace_ends.filter(|_| self.escalate && self.patience_ends.is_none())
    }

    fn begin(&mut self, now: Instant) -> Instant {
        self.repeat = Some(later(now, self.grace / 2));
        *self.grace_ends.insert(later(now, self.grace))
    }

    /// Returns what to send to one that was not signalled yet. Those that turn up after the grace get none of it; a
    /// supervisor stops on SIGTERM, whatever its server is stopped with; a program's own signal is for its first process.
    pub(super) fn signal(&self, now: Instant, role: Role, name: &str) -> Signal {
        match (role, self.signal) {
            _ if self.is_late(now) => Signal::KILL,
            (_, Some(Signal::KILL)) => Signal::KILL,
            (Role::Supervisor, _) | (Role::Descendant, None) => Signal::TERM,
            (Role::Holder, None) => stop_signal(name),
            (Role::Holder | Role::Descendant, Some(signal)) => signal,
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        self.escalate && self.waits() && self.grace_ends.is_some_and(|ends| now >= ends)
    }
}

fn later(now: Instant, span: Duration) -> Instant {
    now.checked_add(span).unwrap_or(now + AGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Seen = Seen { interrupted: false, fresh: false, open: true };
    const FRESH: Seen = Seen { fresh: true, ..OPEN };
    const NOBODY: Seen = Seen { open: false, ..OPEN };
    const INTERRUPTED: Seen = Seen { interrupted: true, fresh: true, open: true };

    fn schedule(grace_ms: u64, escalate: bool) -> Schedule {
        let grace = Duration::from_millis(grace_ms);
        Schedule::new(&StopOptions { grace, escalate, ..StopOptions::default() })
    }

    /// Plays what is seen at which millisecond against what must be done then.
    fn play(mut schedule: Schedule, script: &[(u64, Seen, Step)]) {
        for (row, &(ms, seen, step)) in script.iter().enumerate() {
            assert_eq!(schedule.next(at(ms), seen), step, "row {row}");
        }
    }

    /// A clock that stands at this many milliseconds.
    fn at(ms: u64) -> Instant {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        *START + Duration::from_millis(ms)
    }

    #[test]
    fn a_stop_signals_waits_kills_waits_and_gives_up() {
        play(
            schedule(5000, true),
            &[
                (0, FRESH, Step::Signal),
                (0, OPEN, Step::Wait(at(2500))),
                (300, OPEN, Step::Wait(at(2500))),
                (2500, OPEN, Step::Repeat),
                (2500, OPEN, Step::Wait(at(5000))),
                (5000, OPEN, Step::Kill),
                (5000, OPEN, Step::Wait(at(35_000))),
                (35_000, OPEN, Step::Finish(Finish::OutOfTime)),
            ],
        );
    }

    #[test]
    fn it_is_over_as_soon_as_nobody_is_left() {
        play(schedule(5000, true), &[(0, NOBODY, Step::Finish(Finish::AllEnded))]);
        play(schedule(5000, true), &[(0, FRESH, Step::Signal), (10, NOBODY, Step::Finish(Finish::AllEnded))]);
        play(schedule(0, true), &[(0, OPEN, Step::Kill), (1, NOBODY, Step::Finish(Finish::AllEnded))]);
    }

    #[test]
    fn an_interrupt_ends_it_whatever_is_seen_and_kills_nobody() {
        play(schedule(0, true), &[(0, INTERRUPTED, Step::Finish(Finish::Interrupted))]);
        play(schedule(5, true), &[(0, FRESH, Step::Signal), (9, INTERRUPTED, Step::Finish(Finish::Interrupted))]);
    }

    #[test]
    fn without_escalation_the_end_of_the_grace_is_the_end() {
        let finish = Step::Finish(Finish::OutOfTime);
        play(schedule(100, false), &[(0, FRESH, Step::Signal), (0, OPEN, Step::Wait(at(50))), (100, OPEN, finish)]);
    }

    #[test]
    fn those_that_join_late_do_not_begin_the_grace_again() {
        for grace in [0, 100] {
            play(
                schedule(grace, true),
                &[
                    (0, FRESH, Step::Signal),
                    (100, OPEN, Step::Kill),
                    (150, FRESH, Step::Signal),
                    (150, OPEN, Step::Kill),
                    (150, OPEN, Step::Wait(at(30_150))),
                ],
            );
        }
        let in_time = [(0, FRESH, Step::Signal), (40, FRESH, Step::Signal), (40, OPEN, Step::Wait(at(50)))];
        play(schedule(100, true), &in_time);
    }

    #[test]
    fn a_grace_beyond_the_clock_is_waited_out_for_ages() {
        let options = StopOptions { grace: Duration::MAX, ..StopOptions::default() };
        assert_eq!(Schedule::new(&options).next(at(0), OPEN), Step::Wait(at(0) + AGES));
    }

    #[test]
    fn the_first_signal_depends_on_the_role_the_program_and_the_time() {
        use Role::{Descendant, Holder, Supervisor};
        let (int, kill, term) = (Signal::INT, Signal::KILL, Signal::TERM);
        for (chosen, escalate, ms, server, postgres) in [
            (None, true, 0, [term, term, term], [int, term, term]),
            (Some(term), true, 0, [term, term, term], [term, term, term]),
            (Some(int), true, 0, [int, int, term], [int, int, term]),
            (None, true, 100, [kill, kill, kill], [kill, kill, kill]),
            (Some(int), false, 100, [int, int, term], [int, int, term]),
            (Some(kill), true, 0, [kill, kill, kill], [kill, kill, kill]),
            (Some(kill), false, 100, [kill, kill, kill], [kill, kill, kill]),
        ] {
            let grace = Duration::from_millis(100);
            let options = StopOptions { signal: chosen, grace, escalate, ..StopOptions::default() };
            let mut schedule = Schedule::new(&options);
            schedule.next(at(0), FRESH);
            for (name, expected) in [("python3", server), ("postgres", postgres)] {
                let signals = [Holder, Descendant, Supervisor].map(|role| schedule.signal(at(ms), role, name));
                assert_eq!(signals, expected, "{chosen:?} {escalate} {ms} {name}");
            }
        }
    }

    #[test]
    fn when_sigkill_follows_is_known_from_the_first_step_until_it_is_sent() {
        for (escalate, follows) in [(true, Some(at(100))), (false, None)] {
            let mut schedule = schedule(100, escalate);
            assert_eq!(schedule.kills_at(), None);
            schedule.next(at(0), FRESH);
            assert_eq!(schedule.kills_at(), follows);
            schedule.next(at(100), OPEN);
            assert_eq!(schedule.kills_at(), None);
        }
    }

    #[test]
    fn without_a_grace_the_first_signal_is_no_sigkill_all_the_same() {
        for (grace, waits, signal) in [(0, false, Signal::TERM), (1, true, Signal::KILL)] {
            let mut schedule = schedule(grace, true);
            schedule.next(at(0), FRESH);
            let signals = schedule.signal(at(1), Role::Holder, "python3");
            assert_eq!((schedule.waits(), signals), (waits, signal), "{grace}");
        }
    }
}
