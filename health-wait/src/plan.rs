//! What one wait is about, for all its targets.

use tokio::time::Instant;

use crate::{
    options::ProbeOptions,
    probe::Answer,
    reason::{Reason, Sign},
    wait::Goal,
};

/// What all watches of one wait have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a ProbeOptions,
    pub(crate) goal: Goal,
    pub(crate) once: bool,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<Instant>,
}

impl Plan<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Tells whether an attempt found what is waited for.
    ///
    /// A target that could not be looked at is neither up nor down. One that answers, though not as expected, is not
    /// down either; unless contents are expected: then another server answers in the place of the one that was meant.
    pub(crate) fn is_awaited(&self, outcome: &Result<Answer, Reason>) -> bool {
        match (self.goal, outcome) {
            (Goal::Up, outcome) => outcome.is_ok(),
            (Goal::Down, Ok(_)) => false,
            (Goal::Down, Err(reason)) => match reason.sign {
                Sign::Unreachable | Sign::No | Sign::Silent => true,
                Sign::Unclear | Sign::Failed => false,
                Sign::Answered => self.options.expects_contents(),
            },
        }
    }

    /// Says why the wait goes on after an attempt.
    pub(crate) fn reason(&self, outcome: &Result<Answer, Reason>) -> Reason {
        match (self.goal, outcome) {
            (_, Err(reason)) => reason.clone(),
            (Goal::Up, Ok(answer)) => Reason::answered(answer.does.clone()),
            (Goal::Down, Ok(answer)) => Reason::answered(format!("still {}", answer.does)),
        }
    }
}
