//! One address of a target, or the one thing on this machine that it names: what it answered so far.

use proc_tree::cli::duration;
use tokio::time::Instant;

use crate::{
    probe::{
        answer::{Answer, Outcome},
        endpoint::Endpoint,
    },
    reason::Reason,
    verdict::{Goal, Rules},
};

/// What one address answered so far.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) endpoint: Endpoint,
    /// Whether the host still has this address.
    pub(super) is_current: bool,
    /// Whether an attempt is on its way.
    pub(super) is_asked: bool,
    pub(super) attempts: u64,
    /// How many times in a row it was as awaited.
    streak: u32,
    /// When the first of them was.
    since: Option<Instant>,
    /// What it was like then.
    state: Option<String>,
    /// Whether it was as awaited, often and long enough.
    pub(super) is_enough: bool,
    pub(super) is_healthy: bool,
    /// Why it is not as awaited.
    pub(super) reason: Option<Reason>,
}

impl Address {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            is_current: true,
            is_asked: false,
            attempts: 0,
            streak: 0,
            since: None,
            state: None,
            is_enough: false,
            is_healthy: false,
            reason: None,
        }
    }

    /// Takes up what came of an attempt; `true` when it was as awaited often and long enough. An attempt that the deadline cut
    /// short says nothing of the address, and gives a reason only where there is no other.
    pub(super) fn settle(&mut self, outcome: &Outcome, is_cut_short: bool, rules: Rules, now: Instant) -> bool {
        self.attempts += 1;
        self.is_asked = self.is_current || rules.once;
        self.is_healthy = outcome.is_ok();
        let found = outcome.as_ref().map(|_| ()).map_err(|reason| reason.sign);
        let is_awaited = !is_cut_short && rules.is_awaited(found);
        let state = outcome.as_ref().ok().and_then(|answer| answer.state.clone());
        if !is_awaited || state != self.state {
            (self.streak, self.since, self.state) = (0, None, state);
        }
        let is_often = is_awaited && self.streak + 1 >= rules.consecutive;
        let is_long = is_awaited && now - *self.since.get_or_insert(now) >= rules.stable;
        self.streak += u32::from(is_awaited);
        self.is_enough = is_often && is_long;
        if self.is_enough {
            self.reason = None;
        } else if !is_cut_short || self.reason.is_none() {
            let mut reason = reason_to_go_on(rules.goal, outcome);
            if is_awaited && is_often {
                reason.text = format!("{}, not yet for {}", reason.text, duration::asked(rules.stable));
            } else if is_awaited {
                reason.text = format!("{}, {} of {} in a row", reason.text, self.streak, rules.consecutive);
            }
            self.reason = Some(reason);
        }
        self.is_enough
    }
}

/// Says why the wait goes on after an attempt.
fn reason_to_go_on(goal: Goal, outcome: &Outcome) -> Reason {
    match (goal, outcome) {
        (_, Err(reason)) => reason.clone(),
        (Goal::Up, Ok(Answer { does, .. })) => Reason::answered(does),
        (Goal::Down, Ok(Answer { does, .. })) => Reason::answered(format!("still {does}")),
    }
}
