//! What to do about a service, from what is there and what was asked for: a decision, and nothing done.

use crate::{
    Action,
    server::{
        judge::{By, Whose},
        phase::Phase,
        presence::Presence,
    },
    service::existing::{Adopt, Existing},
};

/// What is there, and what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Situation<'s> {
    /// Whose the server on the port is.
    pub(crate) whose: &'s Whose,
    /// What is recorded of the service's server.
    pub(crate) recorded: Option<Recorded>,
    /// Whether a process that nobody recorded runs the command and has opened no port yet.
    pub(crate) is_loading: bool,
    /// What shall be done about a server that is there.
    pub(crate) existing: Existing,
    /// Whether the server shall be kept up.
    pub(crate) keep_up: bool,
    /// Whether the answer of the server on the port would tell whose it is, and was not asked for yet.
    pub(crate) may_answer: bool,
}

/// What is recorded of a server, and how much of it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// How far it had come.
    pub(crate) phase: Phase,
    /// Whether it, or what it left behind, lives.
    pub(crate) presence: Presence,
    /// Whether its supervisor lives.
    pub(crate) is_supervised: bool,
    /// Whether it is another one than is asked for.
    pub(crate) differs: bool,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Start the server: there is none.
    Start,
    /// Stop what is there, its supervisor first, and start the server.
    StopAndStart(Action),
    /// Wait until the recorded server is ready.
    Wait,
    /// Wait until the supervisor of the recorded server says that it is ready.
    WaitForSupervisor,
    /// Put a supervisor beside the recorded server, which runs without one.
    Supervise,
    /// Take the server on the port as ours once it is ready.
    Adopt(By),
    /// Wait for the process that runs the command, and take it as ours once it is ready.
    WaitForLoading,
    /// Ask the server on the port for its answer, and decide again.
    Ask,
    /// Say that the service's server is up, but not as it is asked for.
    RefuseChanged,
    /// Say that the port is another's.
    RefuseForeign,
    /// Say that the circuit breaker is open.
    RefuseBroken,
}

/// Decides what to do.
pub(crate) fn decide(situation: &Situation<'_>) -> Step {
    let Situation { whose, recorded, existing, keep_up, .. } = situation;
    if let Some(recorded) = recorded.filter(|recorded| recorded.is_supervised) {
        // another command is another try, also while its supervisor stays for files that change; one whose server ended as
        // it should, or that was told to stop it, is about to end as well
        let is_another_try = (recorded.phase == Phase::Broken && recorded.differs)
            || matches!(recorded.phase, Phase::Finished | Phase::Idle)
            || recorded.presence == Presence::HalfStopped;
        return match instead(*existing, recorded.differs) {
            Some(Step::RefuseChanged | Step::StopAndStart(Action::Replaced)) | None if is_another_try => {
                Step::StopAndStart(Action::Started)
            }
            Some(step) => step,
            None => Step::WaitForSupervisor,
        };
    }
    if let Some(recorded) = recorded.filter(|recorded| *keep_up && instead(*existing, recorded.differs).is_none()) {
        if recorded.phase == Phase::Broken {
            return Step::RefuseBroken;
        }
        if recorded.presence == Presence::Runs {
            return Step::Supervise;
        }
    }
    match whose {
        Whose::Nobody => nobody_holds_it(situation),
        Whose::Ours(_, parts) => match recorded.filter(|recorded| recorded.presence != Presence::Gone) {
            Some(recorded) if matches!(recorded.presence, Presence::Deserted | Presence::HalfStopped) => {
                nobody_holds_it(situation)
            }
            Some(recorded) => instead(*existing, recorded.differs).unwrap_or(Step::Wait),
            None => instead(*existing, !parts.is_empty()).unwrap_or(Step::Adopt(By::Service)),
        },
        Whose::Matching(_, by) if existing.adopt != Adopt::Never => {
            if existing.restart {
                Step::StopAndStart(Action::Restarted)
            } else {
                Step::Adopt(by.clone())
            }
        }
        Whose::Another(..) | Whose::Foreign(..) if existing.adopt == Adopt::Any => Step::Adopt(By::Port),
        Whose::Foreign(..) if existing.adopt == Adopt::Match && situation.may_answer => Step::Ask,
        Whose::Matching(..) | Whose::Another(..) | Whose::Foreign(..) if existing.replace => {
            Step::StopAndStart(Action::Replaced)
        }
        Whose::Matching(..) | Whose::Another(..) | Whose::Foreign(..) => Step::RefuseForeign,
    }
}

/// Nobody holds the port, or nobody who serves: the server may be on its way up, or have left something behind that goes first.
fn nobody_holds_it(situation: &Situation<'_>) -> Step {
    let Situation { recorded, existing, .. } = situation;
    // that it is not to be kept up this time makes it no better
    let is_broken = |recorded: &Recorded| {
        recorded.phase == Phase::Broken && recorded.presence != Presence::Runs && !situation.is_loading
    };
    if recorded.filter(is_broken).is_some_and(|recorded| instead(*existing, recorded.differs).is_none()) {
        return Step::RefuseBroken;
    }
    match recorded.filter(|recorded| recorded.presence != Presence::Gone) {
        Some(recorded) if recorded.presence != Presence::Runs => Step::StopAndStart(Action::Started),
        Some(recorded) => instead(*existing, recorded.differs).unwrap_or(Step::Wait),
        None if !situation.is_loading || existing.adopt == Adopt::Never => Step::Start,
        None if existing.restart => Step::StopAndStart(Action::Restarted),
        None => Step::WaitForLoading,
    }
}

/// Says what is to be done instead of taking the service's server as it is, if anything.
fn instead(existing: Existing, differs: bool) -> Option<Step> {
    if existing.restart || (existing.restart_if_changed && differs) {
        Some(Step::StopAndStart(Action::Restarted))
    } else if !differs || existing.adopt == Adopt::Any {
        None
    } else if existing.replace {
        Some(Step::StopAndStart(Action::Replaced))
    } else {
        Some(Step::RefuseChanged)
    }
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
