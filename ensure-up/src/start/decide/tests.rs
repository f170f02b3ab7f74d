//! The decision, over every combination of what is there and what was asked for.

use super::*;

const PHASES: [Phase; 5] = [Phase::Starting, Phase::Ready, Phase::Waiting, Phase::Broken, Phase::Finished];

fn every_whose() -> [Whose; 4] {
    let by = By::Pattern("x".into());
    [Whose::Nobody, Whose::Ours(Vec::new()), Whose::Matching(Vec::new(), by), Whose::Foreign(Vec::new())]
}

fn every_recorded() -> Vec<Option<Recorded>> {
    let mut all = vec![None];
    for phase in PHASES {
        for bits in 0..8 {
            let bit = |position: u8| bits & (1 << position) != 0;
            all.push(Some(Recorded { phase, lives: bit(0), is_supervised: bit(1), differs: bit(2) }));
        }
    }
    all
}

fn every_existing() -> Vec<Existing> {
    let mut all = Vec::new();
    for adopt in [Adopt::Match, Adopt::Any, Adopt::Never] {
        for bits in 0..8 {
            let bit = |position: u8| bits & (1 << position) != 0;
            all.push(Existing { adopt, restart: bit(0), restart_if_changed: bit(1), replace: bit(2) });
        }
    }
    all
}

/// Calls `check` with every situation, whether a new server is wanted in the place of the recorded one, and the decision.
fn in_every_situation(check: impl Fn(&Situation<'_>, bool, &Step)) {
    for whose in every_whose() {
        for recorded in every_recorded() {
            for existing in every_existing() {
                for bits in 0..4 {
                    let (keep_up, may_answer) = (bits & 1 != 0, bits & 2 != 0);
                    let situation = Situation { whose: &whose, recorded, existing, keep_up, may_answer };
                    let differs = recorded.is_some_and(|recorded| recorded.differs);
                    let is_new_wanted = existing.restart || (existing.restart_if_changed && differs);
                    check(&situation, is_new_wanted, &decide(&situation));
                }
            }
        }
    }
}

fn is_supervised(situation: &Situation<'_>) -> bool {
    situation.recorded.is_some_and(|recorded| recorded.is_supervised)
}

#[test]
fn a_supervisor_that_lives_has_the_server_whoever_holds_the_port() {
    in_every_situation(|situation, is_new_wanted, step| {
        let Some(recorded) = situation.recorded.filter(|recorded| recorded.is_supervised) else {
            assert_ne!(*step, Step::WaitForSupervisor, "{situation:?}");
            return;
        };
        let expected = match is_new_wanted {
            true => Step::StopAndStart(Action::Restarted),
            // another command is another try
            false if recorded.phase == Phase::Broken && recorded.differs => Step::StopAndStart(Action::Started),
            // one that ended as it should is over, and its supervisor about to be
            false if recorded.phase == Phase::Finished => Step::StopAndStart(Action::Started),
            false => Step::WaitForSupervisor,
        };
        assert_eq!(*step, expected, "{situation:?}");
    });
}

#[test]
fn an_open_breaker_stays_open_until_something_else_is_asked_for() {
    in_every_situation(|situation, is_new_wanted, step| {
        let is_as_it_was =
            |recorded: Recorded| recorded.phase == Phase::Broken && !recorded.is_supervised && !recorded.differs;
        let is_broken = situation.keep_up && !is_new_wanted && situation.recorded.is_some_and(is_as_it_was);
        assert_eq!(*step == Step::RefuseBroken, is_broken, "{situation:?}");
    });
}

#[test]
fn a_server_that_shall_be_kept_up_and_runs_alone_gets_a_supervisor() {
    in_every_situation(|situation, is_new_wanted, step| {
        let runs_alone = |recorded: Recorded| {
            recorded.lives && !recorded.is_supervised && (recorded.phase != Phase::Broken || recorded.differs)
        };
        let wants_one = situation.keep_up && !is_new_wanted && situation.recorded.is_some_and(runs_alone);
        assert_eq!(*step == Step::Supervise, wants_one, "{situation:?}");
    });
}

#[test]
fn a_server_is_started_only_where_nobody_else_holds_the_port_and_none_lives() {
    in_every_situation(|situation, _, step| {
        if *step == Step::Start {
            assert!(matches!(situation.whose, Whose::Nobody | Whose::Ours(_)), "{situation:?}");
            assert!(!situation.recorded.is_some_and(|recorded| recorded.lives || recorded.is_supervised));
        }
    });
}

#[test]
fn what_is_not_ours_is_stopped_only_where_that_was_asked_for() {
    in_every_situation(|situation, _, step| {
        let existing = situation.existing;
        match (situation.whose, step) {
            _ if is_supervised(situation) => {}
            (Whose::Foreign(_), Step::StopAndStart(action)) => {
                assert!(existing.replace && *action == Action::Replaced, "{situation:?}");
            }
            (Whose::Matching(..), Step::StopAndStart(Action::Replaced)) => {
                assert!(existing.replace && existing.adopt == Adopt::Never, "{situation:?}");
            }
            (Whose::Matching(..), Step::StopAndStart(_)) => {
                assert!(existing.restart && existing.adopt != Adopt::Never, "{situation:?}");
            }
            (_, Step::StopAndStart(action)) => {
                assert!(*action == Action::Restarted && situation.recorded.is_some(), "{situation:?}");
            }
            _ => {}
        }
    });
}

#[test]
fn what_is_not_recorded_is_taken_only_as_adopt_allows() {
    in_every_situation(|situation, _, step| {
        let is_allowed = match (situation.whose, step) {
            (Whose::Matching(_, by), Step::Adopt(taken)) => by == taken && situation.existing.adopt != Adopt::Never,
            (Whose::Foreign(_), Step::Adopt(taken)) => *taken == By::Port && situation.existing.adopt == Adopt::Any,
            (Whose::Foreign(_), Step::Ask) => situation.may_answer && situation.existing.adopt == Adopt::Match,
            (_, Step::Adopt(_) | Step::Ask) => false,
            _ => true,
        };
        assert!(is_allowed, "{situation:?}: {step:?}");
    });
}

#[test]
fn each_kind_of_server_has_its_usual_answer() {
    let record = |lives| Recorded { phase: Phase::Ready, lives, is_supervised: false, differs: false };
    let changed = Recorded { differs: true, ..record(true) };
    let asked = Existing::default();
    let [nobody, ours, matching, foreign] = &every_whose();
    let restart = Existing { restart: true, ..asked };
    let if_changed = Existing { restart_if_changed: true, ..asked };
    let replace = Existing { replace: true, ..asked };
    let never = Existing { adopt: Adopt::Never, ..asked };
    let any = Existing { adopt: Adopt::Any, ..asked };
    let restarted = || Step::StopAndStart(Action::Restarted);
    for (whose, recorded, existing, expected) in [
        (nobody, None, asked, Step::Start),
        (nobody, None, restart, Step::Start),
        (nobody, Some(record(false)), restart, Step::Start),
        (nobody, Some(record(true)), asked, Step::Wait),
        (ours, Some(record(true)), asked, Step::Wait),
        (ours, Some(record(false)), asked, Step::Start),
        (ours, Some(record(true)), restart, restarted()),
        (ours, Some(record(true)), if_changed, Step::Wait),
        (ours, Some(changed), asked, Step::Wait),
        (ours, Some(changed), if_changed, restarted()),
        (ours, Some(changed), replace, Step::Wait),
        (matching, None, asked, Step::Adopt(By::Pattern("x".into()))),
        (matching, Some(record(true)), asked, Step::Adopt(By::Pattern("x".into()))),
        (matching, None, restart, restarted()),
        (matching, None, never, Step::RefuseForeign),
        (matching, None, Existing { replace: true, ..never }, Step::StopAndStart(Action::Replaced)),
        (foreign, None, asked, Step::RefuseForeign),
        (foreign, Some(record(true)), restart, Step::RefuseForeign),
        (foreign, None, any, Step::Adopt(By::Port)),
        (foreign, None, replace, Step::StopAndStart(Action::Replaced)),
    ] {
        let situation = Situation { whose, recorded, existing, keep_up: false, may_answer: false };
        assert_eq!(decide(&situation), expected, "{situation:?}");
    }
}
