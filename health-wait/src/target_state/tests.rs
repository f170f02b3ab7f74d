//! A state that takes up answers, and what it makes of them.

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
