//! What to do about a service, from what is there and what was asked for: a decision, and nothing done.

use crate::{
    Action,
    server::{judge::By, judge::Whose, record::Phase},
    service::spec::{Adopt, Existing},
};

/// What is there, and what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Situation<'s> {
    /// Whose the server on the port is.
    pub(crate) whose: &'s Whose,
    /// What is recorded of the service's server.
    pub(crate) recorded: Option<Recorded>,
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
    /// Whether it, or what remains of it, lives.
    pub(crate) lives: bool,
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
    /// Ask the server on the port for its answer, and decide again.
    Ask,
    /// Say that the port is another's.
    RefuseForeign,
    /// Say that the circuit breaker is open.
    RefuseBroken,
}

/// Decides what to do.
pub(crate) fn decide(situation: &Situation<'_>) -> Step {
    let Situation { whose, recorded, existing, keep_up, may_answer } = situation;
    let is_new_wanted = |recorded: &Recorded| existing.restart || (existing.restart_if_changed && recorded.differs);
    if let Some(recorded) = recorded.filter(|recorded| recorded.is_supervised) {
        // another command is another try, also while its supervisor stays for files that change; one whose server ended as
        // it should is about to end as well
        let is_another_try = (recorded.phase == Phase::Broken && recorded.differs) || recorded.phase == Phase::Finished;
        return match is_new_wanted(&recorded) {
            true => Step::StopAndStart(Action::Restarted),
            false if is_another_try => Step::StopAndStart(Action::Started),
            false => Step::WaitForSupervisor,
        };
    }
    if let Some(recorded) = recorded.filter(|recorded| *keep_up && !is_new_wanted(recorded)) {
        if recorded.phase == Phase::Broken && !recorded.differs {
            return Step::RefuseBroken;
        }
        if recorded.lives {
            return Step::Supervise;
        }
    }
    match whose {
        Whose::Nobody | Whose::Ours(_) => match recorded.filter(|recorded| recorded.lives) {
            None => Step::Start,
            Some(recorded) if is_new_wanted(&recorded) => Step::StopAndStart(Action::Restarted),
            Some(_) => Step::Wait,
        },
        Whose::Matching(_, by) if existing.adopt != Adopt::Never => {
            if existing.restart {
                Step::StopAndStart(Action::Restarted)
            } else {
                Step::Adopt(by.clone())
            }
        }
        Whose::Foreign(_) if existing.adopt == Adopt::Any => Step::Adopt(By::Port),
        Whose::Foreign(_) if existing.adopt == Adopt::Match && *may_answer => Step::Ask,
        Whose::Matching(..) | Whose::Foreign(_) if existing.replace => Step::StopAndStart(Action::Replaced),
        Whose::Matching(..) | Whose::Foreign(_) => Step::RefuseForeign,
    }
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
