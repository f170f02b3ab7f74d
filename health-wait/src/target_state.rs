//! What is known of one target: what each of its addresses answered, and what that makes of the whole.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    probe::{answer::Outcome, endpoint::Endpoint},
    reason::{Reason, Sign},
    report::{TargetRecord, milliseconds},
    target::Target,
    verdict::{Goal, Round, Rules, TargetVerdict},
};

mod address;
#[cfg(test)]
mod tests;

use address::Address;

/// How long the first reason may be held back.
const MOMENT: Duration = Duration::from_secs(1);

/// What is known of a target. Its record always says the same.
#[derive(Debug)]
pub(crate) struct TargetState {
    rules: Rules,
    /// Whether its addresses could not be looked up, for want of what that takes.
    is_unable: bool,
    /// Since when it is asked.
    since: Option<Instant>,
    addresses: Vec<Address>,
    is_complete: bool,
    has_failed: bool,
    is_gone: bool,
    /// The reason that was last said.
    said: Option<String>,
    /// The reason that is to be said next.
    news: Option<String>,
    record: TargetRecord,
}

/// An attempt that has ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) endpoint: Endpoint,
    /// What to call the endpoint in the record.
    pub(crate) name: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// Whether it was the deadline of the whole wait that ended it, before its own time was up.
    pub(crate) is_cut_short: bool,
}

impl TargetState {
    /// Makes the state of a target that was not asked yet. `is_complete` tells whether its addresses are known without
    /// a lookup.
    pub(crate) fn new(target: Target, rules: Rules, is_complete: bool) -> Self {
        Self {
            rules,
            is_unable: false,
            since: None,
            addresses: Vec::new(),
            is_complete,
            has_failed: false,
            is_gone: false,
            said: None,
            news: None,
            record: TargetRecord::unasked(target),
        }
    }

    /// Takes up the addresses that the target has now, and returns those that are to be asked.
    pub(crate) fn meet(&mut self, endpoints: &[Endpoint], now: Instant) -> Vec<Endpoint> {
        self.since.get_or_insert(now);
        for address in &mut self.addresses {
            address.is_current = endpoints.contains(&address.endpoint);
        }
        for &endpoint in endpoints {
            if self.addresses.iter().all(|address| address.endpoint != endpoint) {
                self.addresses.push(Address::new(endpoint));
            }
        }
        let idle = self.addresses.iter_mut().filter(|address| address.is_current && !address.is_asked);
        idle.map(|address| {
            address.is_asked = true;
            address.endpoint
        })
        .collect()
    }

    /// Takes up the addresses that a lookup found.
    pub(crate) fn resolved(&mut self, endpoints: &[Endpoint], now: Instant) -> Vec<Endpoint> {
        self.is_complete = true;
        self.meet(endpoints, now)
    }

    /// Takes up that a lookup found none. The addresses of a moment ago are better than none.
    pub(crate) fn unresolved(&mut self, reason: Reason) {
        self.is_unable = reason.sign == Sign::Unable;
        if self.addresses.is_empty() {
            self.record.attempts += 1;
            self.say(reason.text);
        }
    }

    /// Takes up an attempt; `true` when its address is to be asked again.
    pub(crate) fn settle(&mut self, attempt: Attempt) -> bool {
        self.note(&attempt);
        let Attempt { endpoint, outcome, ended, is_cut_short, .. } = attempt;
        let Some(address) = self.addresses.iter_mut().find(|address| address.endpoint == endpoint) else {
            return false;
        };
        let is_enough = address.settle(&outcome, is_cut_short, self.rules, ended);
        let is_asked_again = address.is_current && !self.rules.once;
        self.record.attempts = self.record.attempts.max(address.attempts);
        match outcome {
            // the target is healthy, and why its other addresses are not is of no interest
            Ok(_) if is_enough => return false,
            Err(reason) if is_enough => self.record.last_error = Some(reason.text),
            _ => {}
        }
        match self.reason(ended) {
            // that is how the wait ends, not why it goes on
            Some(reason) if self.has_failed => self.record.last_error = Some(reason),
            Some(reason) => self.say(reason),
            None => {}
        }
        is_asked_again
    }

    /// Takes the new reason why the target is not as awaited, once.
    pub(crate) fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Judges the target; `is_over` says that nothing more will come.
    pub(crate) fn judge(&mut self, is_over: bool) -> Option<TargetVerdict> {
        let current = || self.addresses.iter().filter(|address| address.is_current);
        let addresses: Vec<bool> = current().map(|address| address.is_enough).collect();
        let verdict = self.rules.judge(Round {
            addresses: &addresses,
            is_complete: self.is_complete,
            has_failed: self.has_failed,
            is_gone: self.is_gone,
            is_over,
        });
        let is_reached = verdict == Some(TargetVerdict::Reached);
        match self.rules.goal {
            Goal::Up => {
                let healthy = current().find(|address| is_reached && address.is_enough);
                self.record.attempts = healthy.map_or(self.record.attempts, |address| address.attempts);
                self.record.healthy = is_reached;
            }
            Goal::Down => {
                self.record.healthy = current().any(|address| address.is_healthy);
                if is_reached {
                    (self.record.address, self.record.status, self.record.latency_ms) = (None, None, None);
                }
            }
        }
        verdict
    }

    /// Tells whether the last word is that it could not be asked, for want of what that takes.
    pub(crate) fn is_unable(&self) -> bool {
        self.best_reason().map_or(self.is_unable, |reason| reason.sign == Sign::Unable)
    }

    /// Returns the record, which says for how long there was waiting for the target.
    pub(crate) fn record(&mut self, waited: Duration) -> &TargetRecord {
        self.record.waited_ms = milliseconds(waited);
        &self.record
    }

    /// Returns the record of a wait that is over.
    pub(crate) fn into_record(self) -> TargetRecord {
        self.record
    }

    fn note(&mut self, attempt: &Attempt) {
        let (outcome, took) = (&attempt.outcome, attempt.ended - attempt.began);
        let status = match outcome {
            Ok(answer) => answer.status,
            Err(reason) => reason.status,
        };
        if outcome.is_ok() || status.is_some() {
            self.record.address.clone_from(&attempt.name);
            self.record.status = status;
            self.record.latency_ms = outcome.is_ok().then(|| milliseconds(took));
        }
        let is_sign = |sign: Sign| outcome.as_ref().is_err_and(|reason| reason.sign == sign);
        self.has_failed |= is_sign(Sign::Failed);
        self.is_gone |= is_sign(Sign::Gone);
    }

    /// Of several addresses, the one that says most gives the reason; the first of them, so that it does not flicker.
    /// None of them gives it before the others had a moment to answer: one of them may be healthy.
    fn reason(&self, now: Instant) -> Option<String> {
        let current = || self.addresses.iter().filter(|address| address.is_current);
        let is_early = self.since.is_some_and(|since| now - since < MOMENT);
        if is_early && !self.has_failed && current().any(|address| address.attempts == 0) {
            return None;
        }
        self.best_reason().map(|best| best.text.clone())
    }

    fn best_reason(&self) -> Option<&Reason> {
        let current = self.addresses.iter().filter(|address| address.is_current);
        let reasons = current.filter_map(|address| address.reason.as_ref());
        reasons.reduce(|best, other| if other.sign > best.sign { other } else { best })
    }

    fn say(&mut self, text: String) {
        if self.said.as_ref() != Some(&text) {
            (self.said, self.news) = (Some(text.clone()), Some(text.clone()));
        }
        self.record.last_error = Some(text);
    }
}
