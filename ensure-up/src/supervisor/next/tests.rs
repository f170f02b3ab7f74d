//! What a supervisor does next, event by event, with a clock of the test's own.

use proc_tree::Signal;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn policy(restart_on: RestartOn, limit: &str) -> Policy {
    let limit = limit.parse().expect("a limit");
    Policy { restarts: true, restart_on, limit, breaker: Breaker::new("1s..16s".parse().expect("a backoff"), limit) }
}

fn log(last: Option<&str>, address_in_use: Option<&str>) -> LogEnd {
    LogEnd { last: last.map(Into::into), address_in_use: address_in_use.map(Into::into) }
}

fn ended(end: End) -> Event {
    Event::Ended { end, how: end.to_string(), healthy: SECOND, log: LogEnd::default() }
}

#[test]
fn each_event_has_its_first_answer() {
    let pause = |how: &str| Action::Pause(SECOND, how.into());
    let give_up = |why: &str| Action::GiveUp(why.into());
    let with = |end: End, log| Event::Ended { end, how: end.to_string(), healthy: SECOND, log };
    let failed = |how: &str, log| Event::Failed { how: how.into(), healthy: Duration::ZERO, log };
    let finish = || Action::Finish(End::Exited(0), "ended with status 0".into());
    let in_use = || log(Some("bye"), Some("bind: Address already in use"));
    for (event, on_failure, always) in [
        (Event::Asked, Action::End, Action::End),
        (Event::PauseOver, Action::Start, Action::Start),
        (Event::Changed("a.py".into()), Action::Reload("a.py".into()), Action::Reload("a.py".into())),
        (Event::Unwanted("x".into()), Action::Stop("x".into()), Action::Stop("x".into())),
        (Event::Unused("x".into()), Action::Rest("x".into()), Action::Rest("x".into())),
        (ended(End::Exited(0)), finish(), pause("ended with status 0")),
        (ended(End::Exited(1)), pause("ended with status 1"), pause("ended with status 1")),
        (ended(End::Unknown), pause("ended"), pause("ended")),
        (ended(End::Signalled(Signal::KILL)), pause("was ended by SIGKILL"), pause("was ended by SIGKILL")),
        (
            with(End::Exited(1), log(Some("bye"), None)),
            pause("ended with status 1; its log ends: bye"),
            pause("ended with status 1; its log ends: bye"),
        ),
        (ended(End::Exited(126)), give_up("it ended with status 126"), give_up("it ended with status 126")),
        (
            with(End::Exited(127), in_use()),
            give_up("it ended with status 127; its log ends: bye"),
            give_up("it ended with status 127; its log ends: bye"),
        ),
        (
            with(End::Exited(1), in_use()),
            give_up("it ended with status 1: bind: Address already in use"),
            give_up("it ended with status 1: bind: Address already in use"),
        ),
        (with(End::Exited(0), in_use()), finish(), give_up("it ended with status 0: bind: Address already in use")),
        (
            Event::NotExecutable("could not be started: x".into()),
            give_up("it could not be started: x"),
            give_up("it could not be started: x"),
        ),
        (
            Event::NotStopped("cannot stop srv (7)".into()),
            give_up("cannot stop srv (7)"),
            give_up("cannot stop srv (7)"),
        ),
        (
            failed("was unhealthy: bye", log(Some("bye"), None)),
            pause("was unhealthy: bye"),
            pause("was unhealthy: bye"),
        ),
        // a server that is up, and whose log says so for whatever reason, is tried again
        (failed("hangs", in_use()), pause("hangs; its log ends: bye"), pause("hangs; its log ends: bye")),
    ] {
        let now = Instant::now();
        assert_eq!(policy(RestartOn::Failure, "5/60s").next(event.clone(), now), on_failure, "{event:?}");
        assert_eq!(policy(RestartOn::Always, "5/60s").next(event.clone(), now), always, "{event:?}");
    }
}

#[test]
fn crashes_of_every_kind_open_the_breaker_together_and_say_how_many() {
    let (mut policy, mut now) = (policy(RestartOn::Failure, "2/60s"), Instant::now());
    assert_eq!(policy.next(ended(End::Exited(1)), now), Action::Pause(SECOND, "ended with status 1".into()));
    now += SECOND;
    assert_eq!(policy.next(Event::PauseOver, now), Action::Start);
    let hung = Event::Failed { how: "hangs".into(), healthy: SECOND, log: LogEnd::default() };
    assert_eq!(policy.next(hung, now), Action::Pause(SECOND * 2, "hangs".into()));
    now += SECOND * 2;
    let why = "3 crashes within 1m; it ended with status 9";
    assert_eq!(policy.next(ended(End::Exited(9)), now), Action::GiveUp(why.into()));
}

#[test]
fn a_changed_file_closes_the_breaker_and_starts_the_pauses_anew() {
    let (mut policy, now) = (policy(RestartOn::Failure, "1/60s"), Instant::now());
    let pause = Action::Pause(SECOND, "ended with status 1".into());
    assert_eq!(policy.next(ended(End::Exited(1)), now), pause);
    assert!(matches!(policy.next(ended(End::Exited(1)), now), Action::GiveUp(_)));
    assert_eq!(policy.next(Event::Changed("x".into()), now), Action::Reload("x".into()));
    assert_eq!(policy.next(ended(End::Exited(1)), now), pause);
}

#[test]
fn with_no_restarts_allowed_the_first_crash_is_one_too_many() {
    let why = "1 crash within 1s; it ended with status 1";
    let next = policy(RestartOn::Failure, "0/1s").next(ended(End::Exited(1)), Instant::now());
    assert_eq!(next, Action::GiveUp(why.into()));
}

#[test]
fn a_server_that_is_not_kept_up_is_not_started_again_however_it_ended() {
    let mut policy = Policy { restarts: false, ..policy(RestartOn::Always, "5/60s") };
    let in_use = || log(Some("bye"), Some("bind: Address already in use"));
    for (event, end, how) in [
        (ended(End::Exited(7)), End::Exited(7), "ended with status 7"),
        (ended(End::Exited(0)), End::Exited(0), "ended with status 0"),
        (ended(End::Exited(127)), End::Exited(127), "ended with status 127"),
        (ended(End::Signalled(Signal::KILL)), End::Signalled(Signal::KILL), "was ended by SIGKILL"),
        (
            Event::Failed { how: "hangs".into(), healthy: SECOND, log: in_use() },
            End::Unknown,
            "hangs; its log ends: bye",
        ),
    ] {
        assert_eq!(policy.next(event, Instant::now()), Action::Finish(end, how.into()));
    }
}
