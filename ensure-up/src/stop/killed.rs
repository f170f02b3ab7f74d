//! What came of a stop: who is left, which is a failure, and who had to be killed, which is told.

use std::{io, time::Duration};

use port_kill::{Outcome, Stopped};
use proc_tree::cli::{duration, text};

use super::manner::Manner;
use crate::Failure;

/// How many processes are named before the others are counted.
const NAMED: usize = 3;

/// Who did not end within the grace and was killed, in words: a stop that left nothing may still have something to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a grace that was waited out is told"]
pub struct Killed {
    /// A line for each stop that had to kill.
    pub lines: Vec<String>,
}

impl Killed {
    /// Returns both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self
    }

    fn of(stopped: &[Stopped], grace: Duration) -> Self {
        let is_late = |one: &&Stopped| one.outcome == Outcome::Killed && one.unanswered.is_some();
        let late: Vec<&Stopped> = stopped.iter().filter(is_late).collect();
        if late.is_empty() || grace.is_zero() {
            return Self::default();
        }
        let unanswered = late[0].unanswered.map_or_else(String::new, |signal| {
            format!("{signal} {}, ", if signal.halts() { "ends no process" } else { "ignored" })
        });
        Self { lines: vec![format!("{unanswered}SIGKILL after {}: {}", duration::elapsed(grace), named(&late))] }
    }
}

/// Makes it a failure that something is left.
pub(crate) fn judge(stopped: io::Result<Vec<Stopped>>, manner: Manner) -> Result<Killed, Failure> {
    let stopped = stopped.map_err(Failure::system("stop the server"))?;
    let left: Vec<&Stopped> = stopped.iter().filter(|one| !is_over(one)).collect();
    if left.is_empty() { Ok(Killed::of(&stopped, manner.grace)) } else { Err(Failure::Left(named(&left))) }
}

pub(super) fn is_over(one: &Stopped) -> bool {
    matches!(one.outcome, Outcome::Terminated | Outcome::Killed | Outcome::Gone)
}

/// Names processes, with what there is to say of the first: `python3 (4711): operation not permitted, sh (4712) and 7 others`.
fn named(those: &[&Stopped]) -> String {
    let name = |one: &&Stopped| {
        let reason = one.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("{} ({}){reason}", text::escape(&one.name), one.identity)
    };
    let shown: Vec<String> = those.iter().take(NAMED).map(name).collect();
    match those.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        1 => format!("{} and 1 other", shown.join(", ")),
        more => format!("{} and {more} others", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use port_kill::Role;
    use proc_tree::{Identity, Signal};

    fn one(pid: u32, outcome: Outcome, unanswered: Option<Signal>, reason: Option<&str>) -> Stopped {
        let identity = Identity { pid, start_id: 1 };
        Stopped {
            identity,
            root: identity,
            name: "srv".into(),
            role: Role::Holder,
            outcome,
            signal: Some(Signal::KILL),
            unanswered,
            elapsed: None,
            reason: reason.map(Into::into),
        }
    }

    #[test]
    fn what_is_left_is_a_failure_and_who_was_killed_after_the_grace_is_told() {
        let manner = |ms| Manner { signal: None, grace: Duration::from_millis(ms) };
        let term = Some(Signal::TERM);
        let killed = |pid| one(pid, Outcome::Killed, term, None);
        let denied = |pid| one(pid, Outcome::Denied, None, Some("no"));
        for (stopped, grace, expected) in [
            (vec![], 5000, Ok(vec![])),
            (vec![one(1, Outcome::Terminated, None, None), one(2, Outcome::Gone, None, None)], 5000, Ok(vec![])),
            (vec![killed(1)], 5000, Ok(vec!["SIGTERM ignored, SIGKILL after 5.00 s: srv (1)"])),
            (vec![killed(1)], 0, Ok(vec![])),
            // it joined when the others had been killed
            (vec![one(1, Outcome::Killed, None, None)], 5000, Ok(vec![])),
            (
                (1..=5).map(killed).collect(),
                200,
                Ok(vec!["SIGTERM ignored, SIGKILL after 0.20 s: srv (1), srv (2), srv (3) and 2 others"]),
            ),
            (
                (1..=4).map(killed).collect(),
                200,
                Ok(vec!["SIGTERM ignored, SIGKILL after 0.20 s: srv (1), srv (2), srv (3) and 1 other"]),
            ),
            (vec![killed(1), denied(2)], 5000, Err("cannot stop srv (2): no")),
            (vec![one(3, Outcome::Survived, term, Some("still alive"))], 5000, Err("cannot stop srv (3): still alive")),
            (vec![one(3, Outcome::Refused, None, None)], 5000, Err("cannot stop srv (3)")),
        ] {
            let judged = judge(Ok(stopped), manner(grace)).map(|killed| killed.lines);
            let expected = expected.map(|lines| lines.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(judged.map_err(|failure| failure.to_string()), expected.map_err(str::to_owned));
        }
    }
}
