//! What the answers so far mean: whether the wait goes on, or how it ends. Pure.

use std::time::Duration;

use crate::reason::Sign;

/// What is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Goal {
    /// That the target is healthy.
    #[default]
    Up,
    /// That the target does not answer.
    Down,
}

/// How many of the targets must be as awaited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quorum {
    /// Every one, each at some time.
    #[default]
    All,
    /// The first one.
    Any,
}

/// How a wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The targets are as awaited.
    Reached,
    /// The targets were asked once and are not.
    Missed,
    /// The deadline passed.
    TimedOut,
    /// The process with this PID has ended, or there was none.
    ProcessEnded(u32),
    /// The target at this position answered what can only mean failure.
    Failed(usize),
    /// The target at this position is a process that has ended, or was none: it never becomes healthy.
    Gone(usize),
    /// It could not be told what the target at this position is like: there was nothing left to ask it with.
    Unable(usize),
}

/// How the wait for one target ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetVerdict {
    /// It is as awaited.
    Reached,
    /// It was asked once and is not.
    Missed,
    /// It answered what can only mean failure.
    Failed,
    /// It never becomes what is awaited.
    Gone,
}

/// What is asked of every target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) goal: Goal,
    /// Whether each address is asked only once.
    pub(crate) once: bool,
    /// How many times in a row an address must be as awaited.
    pub(crate) consecutive: u32,
    /// For how long it must be so.
    pub(crate) stable: Duration,
    /// Whether an answer without certain contents is another server's.
    pub(crate) contents: bool,
}

/// What the answers of one target have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Round<'a> {
    /// Whether each of its addresses was as awaited, often and long enough.
    pub(crate) addresses: &'a [bool],
    /// Whether all its addresses are known: without that, nothing can be said to be down.
    pub(crate) is_complete: bool,
    /// Whether an answer could only mean failure.
    pub(crate) has_failed: bool,
    /// Whether what was meant has ended, and never comes back.
    pub(crate) is_gone: bool,
    /// Whether nothing more will come.
    pub(crate) is_over: bool,
}

/// What the whole wait has seen so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) quorum: Quorum,
    pub(crate) targets: &'a [Option<TargetVerdict>],
    /// The process whose end ends the wait, once it has ended.
    pub(crate) process_ended: Option<u32>,
    pub(crate) is_too_late: bool,
}

impl Rules {
    /// Tells whether an attempt found what is waited for.
    ///
    /// Down is a plain no, or a connection that is impossible. One that is silent may only be slow, one that could not
    /// be looked at is neither up nor down, and one that answers, though not as expected, is not down either; unless
    /// contents are expected: then another server answers in the place of the one that was meant.
    pub(crate) fn is_awaited(self, found: Result<(), Sign>) -> bool {
        match (self.goal, found) {
            (Goal::Up, found) => found.is_ok(),
            (Goal::Down, Ok(()) | Err(Sign::Silent | Sign::Unclear | Sign::Unable | Sign::Failed)) => false,
            (Goal::Down, Err(Sign::Unreachable | Sign::No | Sign::Gone)) => true,
            (Goal::Down, Err(Sign::Answered)) => self.contents,
        }
    }

    /// Judges one target: one healthy address makes it healthy, and all must be down for it to be down.
    pub(crate) fn judge(self, round: Round<'_>) -> Option<TargetVerdict> {
        let is_reached = match self.goal {
            Goal::Up => round.addresses.contains(&true),
            // a name without an address is most often misspelt
            Goal::Down => round.is_complete && !round.addresses.is_empty() && !round.addresses.contains(&false),
        };
        match round {
            Round { has_failed: true, .. } => Some(TargetVerdict::Failed),
            _ if is_reached => Some(TargetVerdict::Reached),
            Round { is_over: true, .. } if self.once => Some(TargetVerdict::Missed),
            Round { is_gone: true, .. } if !self.once && self.goal == Goal::Up => Some(TargetVerdict::Gone),
            _ => None,
        }
    }
}

/// Judges the whole wait. Whoever answers when the process has ended is not the one that was waited for.
pub(crate) fn judge(seen: &Seen<'_>) -> Option<Verdict> {
    let is_reached = |target: &Option<TargetVerdict>| *target == Some(TargetVerdict::Reached);
    let mut targets = seen.targets.iter();
    if let Some(failed) = targets.clone().position(|&target| target == Some(TargetVerdict::Failed)) {
        return Some(Verdict::Failed(failed));
    }
    if let Some(pid) = seen.process_ended {
        return Some(Verdict::ProcessEnded(pid));
    }
    let reached = match seen.quorum {
        Quorum::All => targets.clone().all(is_reached),
        Quorum::Any => targets.clone().any(is_reached),
    };
    if reached {
        return Some(Verdict::Reached);
    }
    let is_decided = targets.clone().all(Option::is_some);
    let gone = targets.position(|&target| target == Some(TargetVerdict::Gone));
    // of several of which one is enough, another one may come up
    match gone.filter(|_| is_decided || seen.quorum == Quorum::All) {
        Some(gone) => Some(Verdict::Gone(gone)),
        None if is_decided => Some(Verdict::Missed),
        None => seen.is_too_late.then_some(Verdict::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attempt_found_is_awaited_or_not() {
        use Sign::{Answered, Failed, Gone, No, Silent, Unable, Unclear, Unreachable};
        // in the columns: up, down, down where contents are expected
        for (found, awaited) in [
            (Ok(()), [true, false, false]),
            (Err(Unreachable), [false, true, true]),
            (Err(No), [false, true, true]),
            (Err(Gone), [false, true, true]),
            (Err(Silent), [false, false, false]),
            (Err(Unclear), [false, false, false]),
            (Err(Unable), [false, false, false]),
            (Err(Answered), [false, false, true]),
            (Err(Failed), [false, false, false]),
        ] {
            let rules = [(Goal::Up, true), (Goal::Down, false), (Goal::Down, true)].map(|(goal, contents)| Rules {
                goal,
                contents,
                ..Rules::default()
            });
            assert_eq!(rules.map(|rules| rules.is_awaited(found)), awaited, "{found:?}");
            assert!(!Rules::default().is_awaited(found) || found.is_ok());
        }
    }

    /// Every goal, once or not, all addresses known or not, nothing more to come or not.
    fn each_target(check: impl Fn(Rules, Round<'static>)) {
        let both = [false, true];
        for (once, is_complete, is_over) in
            both.into_iter().flat_map(|a| both.into_iter().flat_map(move |b| both.map(|c| (a, b, c))))
        {
            for goal in [Goal::Up, Goal::Down] {
                let rules = Rules { goal, once, ..Rules::default() };
                check(rules, Round { is_complete, is_over, ..Round::default() });
            }
        }
    }

    #[test]
    fn one_healthy_address_makes_a_target_healthy_and_all_must_be_down_for_it_to_be_down() {
        // reached when: up; down with all addresses known; down otherwise
        const TABLE: [(&[bool], [bool; 3]); 5] = [
            (&[], [false, false, false]),
            (&[false], [false, false, false]),
            (&[true], [true, true, false]),
            (&[true, false], [true, false, false]),
            (&[true, true], [true, true, false]),
        ];
        for (addresses, reached) in TABLE {
            each_target(|rules, round| {
                let round = Round { addresses, ..round };
                let reached = reached[match (rules.goal, round.is_complete) {
                    (Goal::Up, _) => 0,
                    (Goal::Down, true) => 1,
                    (Goal::Down, false) => 2,
                }];
                let expected = match (reached, rules.once && round.is_over) {
                    (true, _) => Some(TargetVerdict::Reached),
                    (false, true) => Some(TargetVerdict::Missed),
                    (false, false) => None,
                };
                assert_eq!(rules.judge(round), expected, "{rules:?} {round:?}");
                let gone = Round { is_gone: true, ..round };
                let is_lost = expected.is_none() && rules.goal == Goal::Up && !rules.once;
                let expected = if is_lost { Some(TargetVerdict::Gone) } else { expected };
                assert_eq!(rules.judge(gone), expected, "{rules:?} {gone:?}");
                let failed = Round { has_failed: true, ..round };
                assert_eq!(rules.judge(failed), Some(TargetVerdict::Failed), "{rules:?} {failed:?}");
            });
        }
    }

    #[test]
    fn a_wait_ends_as_its_targets_its_process_and_the_clock_have_it() {
        use TargetVerdict::{Failed, Gone, Missed, Reached};
        let each = [None, Some(Reached), Some(Missed), Some(Failed), Some(Gone)];
        // a row for each first target, a column for each second one, in that order; a dot goes on, R is reached,
        // M missed, 0 and 1 are the target that failed, G and H the first and the second one that is gone
        let all = ["...1H", ".RM1H", ".MM1H", "00000", "GGG1G"];
        let any = [".R.1.", "RRR1R", ".RM1H", "00000", ".RG1G"];
        for (quorum, table) in [(Quorum::All, all), (Quorum::Any, any)] {
            for (first, row) in each.into_iter().zip(table) {
                for (second, cell) in each.into_iter().zip(row.chars()) {
                    let targets = &[first, second];
                    for (process_ended, is_too_late) in [(None, false), (None, true), (Some(7), false), (Some(7), true)]
                    {
                        let expected = match (cell, process_ended, is_too_late) {
                            ('0', ..) => Some(Verdict::Failed(0)),
                            ('1', ..) => Some(Verdict::Failed(1)),
                            (_, Some(pid), _) => Some(Verdict::ProcessEnded(pid)),
                            ('R', ..) => Some(Verdict::Reached),
                            ('M', ..) => Some(Verdict::Missed),
                            ('G', ..) => Some(Verdict::Gone(0)),
                            ('H', ..) => Some(Verdict::Gone(1)),
                            (_, None, true) => Some(Verdict::TimedOut),
                            (_, None, false) => None,
                        };
                        let seen = Seen { quorum, targets, process_ended, is_too_late };
                        assert_eq!(judge(&seen), expected, "{seen:?}");
                    }
                }
            }
        }
    }
}
