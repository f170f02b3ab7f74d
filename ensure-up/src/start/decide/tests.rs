//! The decision, over every combination of what is there and what was asked for.

use super::*;

use crate::{
    Port,
    server::{part::Part, started::Started},
    service::id::ServiceId,
};

const PHASES: [Phase; 8] = [
    Phase::Starting,
    Phase::Ready,
    Phase::Waiting,
    Phase::Broken,
    Phase::Finished,
    Phase::Idle,
    Phase::Failed,
    Phase::Stopped,
];

const PRESENCES: [Presence; 5] =
    [Presence::Runs, Presence::Leftovers, Presence::Deserted, Presence::HalfStopped, Presence::Gone];

fn another() -> Started {
    Started {
        service: ServiceId { folder: "/other".into(), name: None },
        program: "serve".into(),
        port: Some(Port::tcp(8000)),
        command: 1,
        cwd: "/other".into(),
        environment: std::collections::BTreeMap::new(),
    }
}

fn every_whose() -> [Whose; 6] {
    let by = By::Pattern("x".into());
    [
        Whose::Nobody,
        Whose::Ours(Vec::new(), Vec::new()),
        Whose::Matching(Vec::new(), by),
        Whose::Foreign(Vec::new(), Vec::new()),
        Whose::Another(Vec::new(), another()),
        Whose::Ours(Vec::new(), vec![Part::Command]),
    ]
}

fn every_recorded() -> Vec<Option<Recorded>> {
    let mut all = vec![None];
    for phase in PHASES {
        for presence in PRESENCES {
            for bits in 0..4 {
                let bit = |position: u8| bits & (1 << position) != 0;
                all.push(Some(Recorded { phase, presence, is_supervised: bit(0), differs: bit(1) }));
            }
        }
    }
    all
}

fn every_existing() -> Vec<Existing> {
    let mut all = Vec::new();
    for adopt in [Adopt::Match, Adopt::Any, Adopt::Never] {
        for bits in 0..8 {
            let bit = |position: u8| bits & (1 << position) != 0;
            all.push(Existing { adopt, restart: bit(0), restart_if_changed: bit(1), replace: bit(2), new: false });
        }
    }
    all
}

/// Calls `check` with every situation and the decision.
fn in_every_situation(check: impl Fn(&Situation<'_>, &Step)) {
    for whose in every_whose() {
        for recorded in every_recorded() {
            for existing in every_existing() {
                for bits in 0..8 {
                    let (keep_up, may_answer, is_loading) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
                    let situation = Situation { whose: &whose, recorded, is_loading, existing, keep_up, may_answer };
                    check(&situation, &decide(&situation));
                }
            }
        }
    }
}

/// Tells whether nobody holds the port, or nothing but what the server or a stop of it has left behind.
fn is_held_by_nobody(situation: &Situation<'_>) -> bool {
    let is_deserted = |recorded: Recorded| matches!(recorded.presence, Presence::Deserted | Presence::HalfStopped);
    match situation.whose {
        Whose::Nobody => true,
        Whose::Ours(..) => situation.recorded.is_some_and(is_deserted),
        _ => false,
    }
}

fn is_supervised(situation: &Situation<'_>) -> bool {
    situation.recorded.is_some_and(|recorded| recorded.is_supervised)
}

/// What a flag asks for instead of a server of ours that is there.
fn asked_instead(existing: Existing, differs: bool) -> Option<Step> {
    let Existing { adopt, restart, restart_if_changed, replace, .. } = existing;
    match (differs, restart) {
        (_, true) => Some(Step::StopAndStart(Action::Restarted)),
        (false, false) => None,
        (true, false) if restart_if_changed => Some(Step::StopAndStart(Action::Restarted)),
        (true, false) if adopt == Adopt::Any => None,
        (true, false) if replace => Some(Step::StopAndStart(Action::Replaced)),
        (true, false) => Some(Step::RefuseChanged),
    }
}

#[test]
fn a_supervisor_that_lives_has_the_server_whoever_holds_the_port() {
    in_every_situation(|situation, step| {
        let Some(recorded) = situation.recorded.filter(|recorded| recorded.is_supervised) else {
            assert_ne!(*step, Step::WaitForSupervisor, "{situation:?}");
            return;
        };
        let instead = asked_instead(situation.existing, recorded.differs);
        // another command is another try; one that ended as it should is over, and its supervisor about to be
        let is_over = (recorded.phase == Phase::Broken && recorded.differs)
            || matches!(recorded.phase, Phase::Finished | Phase::Idle)
            || recorded.presence == Presence::HalfStopped;
        let expected = match instead {
            Some(Step::StopAndStart(Action::Restarted)) => Step::StopAndStart(Action::Restarted),
            _ if is_over => Step::StopAndStart(Action::Started),
            Some(step) => step,
            None => Step::WaitForSupervisor,
        };
        assert_eq!(*step, expected, "{situation:?}");
    });
}

#[test]
fn an_open_breaker_stays_open_until_something_else_is_asked_for() {
    in_every_situation(|situation, step| {
        let is_as_it_was = |recorded: Recorded| {
            recorded.phase == Phase::Broken
                && !recorded.is_supervised
                && asked_instead(situation.existing, recorded.differs).is_none()
        };
        // whatever runs all the same is taken by a call that does not keep it up
        let is_there = |recorded: Recorded| recorded.presence == Presence::Runs || situation.is_loading;
        let is_asked = |recorded| situation.keep_up || (is_held_by_nobody(situation) && !is_there(recorded));
        let is_broken = situation.recorded.is_some_and(|recorded| is_as_it_was(recorded) && is_asked(recorded));
        assert_eq!(*step == Step::RefuseBroken, is_broken, "{situation:?}");
    });
}

#[test]
fn a_server_that_shall_be_kept_up_and_runs_alone_gets_a_supervisor() {
    in_every_situation(|situation, step| {
        let runs_alone = |recorded: Recorded| {
            recorded.presence == Presence::Runs
                && !recorded.is_supervised
                && recorded.phase != Phase::Broken
                && asked_instead(situation.existing, recorded.differs).is_none()
        };
        let wants_one = situation.keep_up && situation.recorded.is_some_and(runs_alone);
        assert_eq!(*step == Step::Supervise, wants_one, "{situation:?}");
    });
}

#[test]
fn a_server_is_started_only_where_nobody_holds_the_port_and_none_is_left() {
    in_every_situation(|situation, step| {
        if *step == Step::Start {
            assert_eq!(*situation.whose, Whose::Nobody, "{situation:?}");
            let is_there = |recorded: Recorded| recorded.presence != Presence::Gone || recorded.is_supervised;
            assert!(!situation.recorded.is_some_and(is_there), "{situation:?}");
            assert!(!situation.is_loading || situation.existing.adopt == Adopt::Never, "{situation:?}");
        }
    });
}

#[test]
fn no_server_that_differs_is_taken_as_it_is_but_where_any_will_do() {
    in_every_situation(|situation, step| {
        let differs = match (situation.recorded, situation.whose) {
            (Some(recorded), _) if recorded.is_supervised => {
                recorded.differs
                    && !matches!(recorded.phase, Phase::Broken | Phase::Finished | Phase::Idle)
                    && recorded.presence != Presence::HalfStopped
            }
            (Some(recorded), Whose::Nobody | Whose::Ours(..)) if recorded.presence != Presence::Gone => {
                recorded.differs
            }
            (_, Whose::Ours(_, parts)) => !parts.is_empty(),
            _ => false,
        };
        let takes_it = matches!(step, Step::Wait | Step::WaitForSupervisor | Step::Supervise | Step::Adopt(_));
        let may = situation.existing.adopt == Adopt::Any || !differs;
        assert!(may || !takes_it, "{situation:?}: {step:?}");
    });
}

#[test]
fn what_is_not_ours_is_stopped_only_where_that_was_asked_for() {
    in_every_situation(|situation, step| {
        let existing = situation.existing;
        match (situation.whose, step) {
            _ if is_supervised(situation) => {}
            (Whose::Foreign(..) | Whose::Another(..), Step::StopAndStart(action)) => {
                assert!(existing.replace && *action == Action::Replaced, "{situation:?}");
            }
            (Whose::Matching(..), Step::StopAndStart(Action::Replaced)) => {
                assert!(existing.replace && existing.adopt == Adopt::Never, "{situation:?}");
            }
            (Whose::Matching(..), Step::StopAndStart(_)) => {
                assert!(existing.restart && existing.adopt != Adopt::Never, "{situation:?}");
            }
            (_, Step::StopAndStart(Action::Started)) => {
                let is_left = |recorded: Recorded| !matches!(recorded.presence, Presence::Runs | Presence::Gone);
                assert!(is_held_by_nobody(situation) && situation.recorded.is_some_and(is_left), "{situation:?}");
            }
            (_, Step::StopAndStart(action)) => {
                let wanted = existing.restart || existing.restart_if_changed || existing.replace;
                assert!(wanted, "{situation:?}: {action:?}");
            }
            _ => {}
        }
    });
}

#[test]
fn what_is_not_recorded_is_taken_only_as_adopt_allows() {
    in_every_situation(|situation, step| {
        let adopt = situation.existing.adopt;
        let is_allowed = match (situation.whose, step) {
            (Whose::Matching(_, by), Step::Adopt(taken)) => by == taken && adopt != Adopt::Never,
            (Whose::Foreign(..) | Whose::Another(..), Step::Adopt(taken)) => *taken == By::Port && adopt == Adopt::Any,
            (Whose::Ours(..), Step::Adopt(taken)) => *taken == By::Service,
            (Whose::Foreign(..), Step::Ask) => situation.may_answer && adopt == Adopt::Match,
            (Whose::Nobody, Step::WaitForLoading) => situation.is_loading && adopt != Adopt::Never,
            (_, Step::Adopt(_) | Step::Ask | Step::WaitForLoading) => false,
            _ => true,
        };
        assert!(is_allowed, "{situation:?}: {step:?}");
    });
}

#[test]
fn each_kind_of_server_has_its_usual_answer() {
    let record = |presence| Recorded { phase: Phase::Ready, presence, is_supervised: false, differs: false };
    let (runs, gone, left) = (record(Presence::Runs), record(Presence::Gone), record(Presence::Leftovers));
    let (deserted, half_stopped) = (record(Presence::Deserted), record(Presence::HalfStopped));
    let changed = Recorded { differs: true, ..runs };
    let asked = Existing::default();
    let [nobody, ours, matching, foreign, another, ours_changed] = &every_whose();
    let restart = Existing { restart: true, ..asked };
    let if_changed = Existing { restart_if_changed: true, ..asked };
    let replace = Existing { replace: true, ..asked };
    let never = Existing { adopt: Adopt::Never, ..asked };
    let any = Existing { adopt: Adopt::Any, ..asked };
    let restarted = || Step::StopAndStart(Action::Restarted);
    let replaced = || Step::StopAndStart(Action::Replaced);
    for (whose, recorded, existing, expected) in [
        (nobody, None, asked, Step::Start),
        (nobody, None, restart, Step::Start),
        (nobody, Some(gone), restart, Step::Start),
        (nobody, Some(runs), asked, Step::Wait),
        (nobody, Some(left), asked, Step::StopAndStart(Action::Started)),
        (ours, Some(runs), asked, Step::Wait),
        (ours, Some(left), asked, Step::Wait),
        (ours, Some(deserted), asked, Step::StopAndStart(Action::Started)),
        (ours, Some(half_stopped), asked, Step::StopAndStart(Action::Started)),
        (nobody, Some(half_stopped), asked, Step::StopAndStart(Action::Started)),
        (foreign, Some(half_stopped), asked, Step::RefuseForeign),
        (ours, None, asked, Step::Adopt(By::Service)),
        (ours, Some(runs), restart, restarted()),
        (ours, Some(runs), if_changed, Step::Wait),
        (ours, Some(changed), asked, Step::RefuseChanged),
        (ours, Some(changed), never, Step::RefuseChanged),
        (ours, Some(changed), if_changed, restarted()),
        (ours, Some(changed), replace, replaced()),
        (ours, Some(changed), any, Step::Wait),
        (ours_changed, None, asked, Step::RefuseChanged),
        (ours_changed, None, any, Step::Adopt(By::Service)),
        (matching, None, asked, Step::Adopt(By::Pattern("x".into()))),
        (matching, Some(runs), asked, Step::Adopt(By::Pattern("x".into()))),
        (matching, None, restart, restarted()),
        (matching, None, never, Step::RefuseForeign),
        (matching, None, Existing { replace: true, ..never }, replaced()),
        (foreign, None, asked, Step::RefuseForeign),
        (foreign, Some(runs), restart, Step::RefuseForeign),
        (foreign, None, any, Step::Adopt(By::Port)),
        (foreign, None, replace, replaced()),
        (another, None, asked, Step::RefuseForeign),
        (another, None, restart, Step::RefuseForeign),
        (another, None, if_changed, Step::RefuseForeign),
        (another, None, never, Step::RefuseForeign),
        (another, None, any, Step::Adopt(By::Port)),
        (another, None, replace, replaced()),
    ] {
        let situation = Situation { whose, recorded, is_loading: false, existing, keep_up: false, may_answer: false };
        assert_eq!(decide(&situation), expected, "{situation:?}");
    }
}

#[test]
fn whoever_may_answer_is_asked_and_what_still_loads_is_waited_for() {
    let [nobody, _, _, foreign, another, _] = &every_whose();
    let asked = Existing::default();
    let restart = Existing { restart: true, ..asked };
    let replace = Existing { replace: true, ..asked };
    let never = Existing { adopt: Adopt::Never, ..asked };
    for (whose, existing, expected) in [
        (foreign, asked, Step::Ask),
        (foreign, replace, Step::Ask),
        (foreign, never, Step::RefuseForeign),
        (another, asked, Step::RefuseForeign),
        (nobody, asked, Step::WaitForLoading),
        (nobody, restart, Step::StopAndStart(Action::Restarted)),
        (nobody, never, Step::Start),
    ] {
        let situation =
            Situation { whose, recorded: None, is_loading: true, existing, keep_up: false, may_answer: true };
        assert_eq!(decide(&situation), expected, "{situation:?}");
    }
}
