//! What comes next for one who waits for a supervisor.

use proc_tree::Identity;

use crate::{Phase, ServerRecord};

/// By what the supervisor's record says, and whether it lives.
#[derive(Debug, PartialEq)]
pub(super) enum Step<'r> {
    /// The circuit breaker is open.
    GivenUp(&'r ServerRecord),
    /// Its server has ended for good.
    Ended,
    /// It is gone, and its server may live.
    Lost,
    /// It is gone, and whether it started a server is not in its record.
    LookElsewhere,
    /// It found the server ready just now.
    Ready(&'r ServerRecord),
    /// It found the server ready long ago: that is asked.
    Ask(&'r ServerRecord),
    /// The server has ended, and the supervisor has not said so yet.
    Over(&'r ServerRecord),
    Wait,
}

/// Decides what comes next. `over` is the record of a server that was asked and has ended.
pub(super) fn next<'r>(
    record: Option<&'r ServerRecord>,
    supervisor: Identity,
    lives: bool,
    is_new: bool,
    over: Option<&ServerRecord>,
) -> Step<'r> {
    match record {
        Some(record) if record.phase == Phase::Broken => Step::GivenUp(record),
        Some(record) if record.phase == Phase::Finished => Step::Ended,
        Some(record) if !lives && is_over(record) => Step::Ended,
        Some(record) if !lives && record.pid != supervisor.pid => Step::Lost,
        _ if !lives => Step::LookElsewhere,
        Some(record) if record.phase == Phase::Ready && is_new => Step::Ready(record),
        Some(record) if over == Some(record) => Step::Over(record),
        Some(record) if record.phase == Phase::Ready => Step::Ask(record),
        _ => Step::Wait,
    }
}

/// Tells whether a server has ended for good, or until it is asked for again.
pub(super) fn is_over(record: &ServerRecord) -> bool {
    matches!(record.phase, Phase::Finished | Phase::Idle | Phase::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Service, ServiceSpec};

    const SUPERVISOR: Identity = Identity { pid: 7, start_id: 7 };

    fn record(phase: Phase, pid: u32) -> ServerRecord {
        let spec = ServiceSpec { port: "80".parse().ok(), command: vec!["serve".into()], ..ServiceSpec::default() };
        let record = ServerRecord::expected(&Service::try_from(spec).expect("it can be started"));
        ServerRecord { phase, pid, supervisor: Some(SUPERVISOR), ..record }
    }

    /// What the name of a step is, whatever its record.
    fn name(step: &Step<'_>) -> String {
        format!("{step:?}").chars().take_while(char::is_ascii_alphabetic).collect()
    }

    #[test]
    fn what_the_record_says_and_whether_the_supervisor_lives_decide() {
        use Phase::{Broken, Finished, Idle, Ready, Starting, Stopped, Waiting};
        let (own, server) = (SUPERVISOR.pid, 9);
        for (phase, pid, gone, lives_long, lives_new) in [
            (Broken, server, "GivenUp", "GivenUp", "GivenUp"),
            (Finished, server, "Ended", "Ended", "Ended"),
            (Idle, server, "Ended", "Wait", "Wait"),
            (Stopped, server, "Ended", "Wait", "Wait"),
            (Ready, server, "Lost", "Ask", "Ready"),
            (Starting, server, "Lost", "Wait", "Wait"),
            (Starting, own, "LookElsewhere", "Wait", "Wait"),
            (Waiting, own, "LookElsewhere", "Wait", "Wait"),
        ] {
            let record = record(phase, pid);
            let step = |lives, is_new| name(&next(Some(&record), SUPERVISOR, lives, is_new, None));
            assert_eq!(
                [step(false, false), step(true, false), step(true, true)],
                [gone, lives_long, lives_new],
                "{phase:?}"
            );
        }
        assert_eq!(next(None, SUPERVISOR, false, true, None), Step::LookElsewhere);
        assert_eq!(next(None, SUPERVISOR, true, true, None), Step::Wait);
    }

    #[test]
    fn a_server_that_has_ended_is_not_asked_again_until_its_record_changes() {
        let (asked, restarted) = (record(Phase::Ready, 9), record(Phase::Ready, 11));
        assert_eq!(next(Some(&asked), SUPERVISOR, true, false, Some(&asked)), Step::Over(&asked));
        assert_eq!(next(Some(&restarted), SUPERVISOR, true, false, Some(&asked)), Step::Ask(&restarted));
    }
}
