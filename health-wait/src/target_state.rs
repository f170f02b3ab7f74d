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

use address::Address;

/// How long the first reason may be held back.
const MOMENT: Duration = Duration::from_secs(1);

/// What is known of a target. Its record always says the same.
#[derive(Debug)]
pub(crate) struct TargetState {
    rules: Rules,
    /// Since when it is asked.
    since: Option<Instant>,
    addresses: Vec<Address>,
    is_complete: bool,
    has_failed: bool,
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
            since: None,
            addresses: Vec::new(),
            is_complete,
            has_failed: false,
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
        self.has_failed |= outcome.as_ref().is_err_and(|reason| reason.sign == Sign::Failed);
    }

    /// Of several addresses, the one that says most gives the reason; the first of them, so that it does not flicker.
    /// None of them gives it before the others had a moment to answer: one of them may be healthy.
    fn reason(&self, now: Instant) -> Option<String> {
        let current = || self.addresses.iter().filter(|address| address.is_current);
        let is_early = self.since.is_some_and(|since| now - since < MOMENT);
        if is_early && !self.has_failed && current().any(|address| address.attempts == 0) {
            return None;
        }
        let reasons = current().filter_map(|address| address.reason.as_ref());
        let best = reasons.reduce(|best, other| if other.sign > best.sign { other } else { best })?;
        Some(best.text.clone())
    }

    fn say(&mut self, text: String) {
        if self.said.as_ref() != Some(&text) {
            (self.said, self.news) = (Some(text.clone()), Some(text.clone()));
        }
        self.record.last_error = Some(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::answer::Answer;

    const FIRST: Endpoint = Endpoint::Here;

    fn second() -> Endpoint {
        Endpoint::Address(([127, 0, 0, 1], 80).into())
    }

    fn state(rules: Rules, endpoints: &[Endpoint], now: Instant) -> TargetState {
        let mut state = TargetState::new(Target::port(80), rules, true);
        assert_eq!(state.meet(endpoints, now), endpoints);
        state
    }

    fn attempt(endpoint: Endpoint, outcome: Outcome, now: Instant) -> Attempt {
        Attempt { endpoint, name: Some("here".into()), outcome, began: now, ended: now, is_cut_short: false }
    }

    fn healthy() -> Answer {
        Answer { status: Some(200), ..Answer::new("answers 200 OK") }
    }

    fn refused() -> Reason {
        Reason::new(Sign::No, "connection refused")
    }

    #[test]
    fn an_answer_counts_when_it_came_often_enough_in_a_row() {
        let (now, rules) = (Instant::now(), Rules { consecutive: 2, ..Rules::default() });
        let mut state = state(rules, &[FIRST], now);
        for (outcome, news, verdict) in [
            (Err(refused()), Some("connection refused"), None),
            (Err(refused()), None, None),
            (Ok(healthy()), Some("answers 200 OK, 1 of 2 in a row"), None),
            (Err(refused()), Some("connection refused"), None),
            (Ok(healthy()), Some("answers 200 OK, 1 of 2 in a row"), None),
            (Ok(healthy()), None, Some(TargetVerdict::Reached)),
        ] {
            state.settle(attempt(FIRST, outcome, now));
            assert_eq!((state.take_news().as_deref(), state.judge(false)), (news, verdict));
        }
        let record = state.into_record();
        assert_eq!((record.healthy, record.attempts, record.status), (true, 6, Some(200)));
        assert_eq!(record.last_error.as_deref(), Some("answers 200 OK, 1 of 2 in a row"));
    }

    #[test]
    fn no_address_gives_the_reason_before_the_others_had_a_moment() {
        let (now, rules) = (Instant::now(), Rules { consecutive: 1, ..Rules::default() });
        for (later, news) in [(Duration::ZERO, None), (MOMENT, Some("connection refused"))] {
            let mut state = state(rules, &[FIRST, second()], now);
            assert!(state.settle(attempt(FIRST, Err(refused()), now + later)));
            assert_eq!(state.take_news().as_deref(), news);
            state.settle(attempt(second(), Err(Reason::answered("503 Service Unavailable")), now + later));
            assert_eq!(state.take_news().as_deref(), Some("503 Service Unavailable"), "it says more");
        }
    }

    #[test]
    fn one_answer_that_is_fatal_ends_it_and_gives_the_reason() {
        let now = Instant::now();
        for goal in [Goal::Up, Goal::Down] {
            let mut state = state(Rules { goal, consecutive: 1, ..Rules::default() }, &[FIRST, second()], now);
            let fatal = Reason::new(Sign::Failed, "404 Not Found").with_status(404);
            state.settle(attempt(second(), Err(fatal), now));
            assert_eq!((state.take_news(), state.judge(false)), (None, Some(TargetVerdict::Failed)));
            let record = state.into_record();
            assert_eq!((record.status, record.last_error.as_deref()), (Some(404), Some("404 Not Found")));
        }
    }

    #[test]
    fn a_target_is_down_when_each_of_its_addresses_is_and_its_record_says_why() {
        let (now, rules) = (Instant::now(), Rules { goal: Goal::Down, consecutive: 1, ..Rules::default() });
        let mut state = state(rules, &[FIRST, second()], now);
        state.settle(attempt(FIRST, Ok(healthy()), now));
        state.settle(attempt(second(), Err(refused()), now));
        assert_eq!((state.take_news().as_deref(), state.judge(false)), (Some("still answers 200 OK"), None));
        assert!(state.record(Duration::ZERO).healthy);
        state.settle(attempt(FIRST, Err(refused()), now));
        assert_eq!(state.judge(false), Some(TargetVerdict::Reached));
        let record = state.into_record();
        assert_eq!((record.healthy, record.address, record.status), (false, None, None));
        assert_eq!(record.last_error.as_deref(), Some("connection refused"));
    }

    #[test]
    fn what_the_deadline_cut_short_says_nothing_about_the_target() {
        let (now, rules) = (Instant::now(), Rules { goal: Goal::Down, consecutive: 1, ..Rules::default() });
        let mut state = state(rules, &[FIRST], now);
        state.settle(attempt(FIRST, Ok(healthy()), now));
        let late = Err(Reason::new(Sign::Silent, "no answer yet"));
        state.settle(Attempt { is_cut_short: true, ..attempt(FIRST, late, now) });
        assert_eq!(state.judge(false), None);
        assert_eq!(state.into_record().last_error.as_deref(), Some("still answers 200 OK"));
    }

    #[test]
    fn an_address_that_the_host_no_longer_has_is_not_asked_again() {
        let (now, rules) = (Instant::now(), Rules { consecutive: 1, ..Rules::default() });
        let mut state = state(rules, &[FIRST, second()], now);
        assert_eq!(state.resolved(&[second()], now), [], "both are being asked already");
        assert!(!state.settle(attempt(FIRST, Err(refused()), now)));
        assert!(state.settle(attempt(second(), Err(refused()), now)));
        assert_eq!(state.resolved(&[FIRST, second()], now), [FIRST], "it is back");
        let mut state = TargetState::new(Target::port(80), Rules { goal: Goal::Down, ..rules }, false);
        state.unresolved(Reason::new(Sign::Unclear, "cannot resolve x"));
        assert_eq!(state.judge(false), None, "a name that is not found is not a server that is down");
    }
}
