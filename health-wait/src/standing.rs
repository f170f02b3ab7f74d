//! What is known of one target: how each of its addresses stands, and what that makes of the whole.

use std::time::{Duration, Instant};

use crate::{
    plan::Plan,
    probe::{Answer, Endpoint, Pace, Probe},
    reason::{Reason, Sign},
    record::Record,
    wait::Goal,
    watch::End,
};

/// How a target stands. Its record always says the same.
pub(crate) struct Standing<'a> {
    plan: &'a Plan<'a>,
    started: Instant,
    places: Vec<Place>,
    /// Whether all addresses are known: without that, nothing can be said to be down.
    pub(crate) is_complete: bool,
    /// How often in a row no address was found at all.
    unresolved: u32,
    has_failed: bool,
    /// The reason that was last told.
    told: Option<String>,
    record: &'a mut Record,
    changed: &'a mut dyn FnMut(&str),
}

/// How long the first reason may be held back.
const MOMENT: Duration = Duration::from_secs(1);

/// One address of the target.
#[derive(Debug)]
struct Place {
    endpoint: Endpoint,
    /// Whether the host still has this address.
    is_current: bool,
    /// Whether an attempt is on its way.
    is_asked: bool,
    attempts: u64,
    /// How many times in a row it was as awaited.
    streak: u32,
    is_healthy: bool,
    reason: Option<Reason>,
}

/// An attempt that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) place: usize,
    pub(crate) endpoint: Endpoint,
    pub(crate) outcome: Result<Answer, Reason>,
    pub(crate) took: Duration,
    /// Whether it was the deadline of the whole wait that ended it, before its own time was up.
    pub(crate) is_cut_short: bool,
}

impl Done {
    pub(crate) fn pace(&self) -> Pace {
        self.endpoint.pace(&self.outcome)
    }
}

impl<'a> Standing<'a> {
    pub(crate) fn new(plan: &'a Plan<'a>, record: &'a mut Record, changed: &'a mut dyn FnMut(&str)) -> Self {
        Self {
            plan,
            started: Instant::now(),
            places: Vec::new(),
            is_complete: false,
            unresolved: 0,
            has_failed: false,
            told: None,
            record,
            changed,
        }
    }

    /// Takes up the addresses that the target has now, and returns those that are to be asked, each with its place.
    pub(crate) fn meet(&mut self, endpoints: &[Endpoint]) -> Vec<(usize, Endpoint)> {
        for place in &mut self.places {
            place.is_current = endpoints.contains(&place.endpoint);
        }
        for &endpoint in endpoints {
            if self.places.iter().all(|place| place.endpoint != endpoint) {
                self.places.push(Place::new(endpoint));
            }
        }
        let idle = self.places.iter_mut().enumerate().filter(|(_, place)| place.is_current && !place.is_asked);
        idle.map(|(index, place)| {
            place.is_asked = true;
            (index, place.endpoint)
        })
        .collect()
    }

    /// Takes up what a lookup found.
    pub(crate) fn resolve(&mut self, found: Result<Vec<Endpoint>, Reason>) -> Vec<(usize, Endpoint)> {
        match found {
            Ok(endpoints) => {
                self.is_complete = true;
                self.unresolved = 0;
                self.meet(&endpoints)
            }
            // the addresses of a moment ago are better than none
            Err(_) if !self.places.is_empty() => Vec::new(),
            Err(reason) => {
                self.record.attempts += 1;
                if !self.plan.is_over() {
                    self.unresolved += 1;
                }
                self.say(reason.text);
                Vec::new()
            }
        }
    }

    /// Takes up an attempt; `true` when its address is to be asked again.
    pub(crate) fn settle(&mut self, done: Done, probe: &Probe<'_>) -> bool {
        let Done { place: index, endpoint, outcome, took, is_cut_short } = done;
        let place = &mut self.places[index];
        place.attempts += 1;
        self.record.attempts = self.record.attempts.max(place.attempts);
        place.is_asked = place.is_current || self.plan.once;
        place.is_healthy = outcome.is_ok();
        let awaited = !is_cut_short && self.plan.is_awaited(&outcome);
        place.streak = if awaited { place.streak + 1 } else { 0 };
        self.note(&outcome, probe.address(endpoint), took);
        let reason = self.plan.reason(&outcome);
        let place = &mut self.places[index];
        if awaited && place.streak >= self.plan.options.consecutive {
            place.reason = None;
            match outcome {
                // the target is healthy, and why its other addresses are not is of no interest
                Ok(_) => return false,
                Err(reason) => self.record.last_error = Some(reason.text),
            }
        } else if !is_cut_short || place.reason.is_none() {
            let so_far = format!(", {} of {} in a row", place.streak, self.plan.options.consecutive);
            let text = reason.text + if awaited { &so_far } else { "" };
            place.reason = Some(Reason { text, ..reason });
        }
        match self.reason() {
            // that is how the wait ends, not why it goes on
            Some(reason) if self.has_failed => self.record.last_error = Some(reason),
            Some(reason) => self.say(reason),
            None => {}
        }
        self.places[index].is_current && !self.plan.once
    }

    fn note(&mut self, outcome: &Result<Answer, Reason>, address: Option<String>, took: Duration) {
        let status = match outcome {
            Ok(answer) => answer.status,
            Err(reason) => reason.status,
        };
        if outcome.is_ok() || status.is_some() {
            self.record.address = address;
            self.record.status = status;
            self.record.latency_ms = outcome.is_ok().then(|| milliseconds(took));
        }
        self.has_failed |= outcome.as_ref().is_err_and(|reason| reason.sign == Sign::Failed);
    }

    /// Of several addresses, the one that says most gives the reason; the first of them, so that it does not flicker.
    /// None of them gives it before the others had a moment to answer: one of them may be healthy.
    fn reason(&self) -> Option<String> {
        let current = || self.places.iter().filter(|place| place.is_current);
        if current().any(|place| place.attempts == 0) && self.started.elapsed() < MOMENT && !self.has_failed {
            return None;
        }
        let reasons = current().filter_map(|place| place.reason.as_ref());
        let best = reasons.reduce(|best, other| if other.sign > best.sign { other } else { best })?;
        Some(best.text.clone())
    }

    fn say(&mut self, text: String) {
        if self.told.as_ref() != Some(&text) {
            (self.changed)(&text);
            self.told = Some(text.clone());
        }
        self.record.last_error = Some(text);
    }

    /// Tells how the watch ends, once that is known.
    pub(crate) fn end(&mut self) -> Option<End> {
        if self.has_failed {
            return Some(End::Failed);
        }
        let mut current = self.places.iter().filter(|place| place.is_current);
        let enough = self.plan.options.consecutive;
        let reached = match self.plan.goal {
            Goal::Up => current
                .find(|place| place.streak >= enough)
                .map(|place| self.record.attempts = place.attempts)
                .is_some(),
            Goal::Down if self.places.is_empty() => self.unresolved >= enough,
            Goal::Down => self.is_complete && current.all(|place| place.streak >= enough),
        };
        self.record.healthy = match self.plan.goal {
            Goal::Up => reached,
            Goal::Down => self.places.iter().any(|place| place.is_current && place.is_healthy),
        };
        if reached && self.plan.goal == Goal::Down {
            (self.record.address, self.record.status, self.record.latency_ms) = (None, None, None);
        }
        reached.then_some(End::Reached)
    }
}

impl Place {
    fn new(endpoint: Endpoint) -> Self {
        let (attempts, streak) = (0, 0);
        Self { endpoint, is_current: true, is_asked: false, attempts, streak, is_healthy: false, reason: None }
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
