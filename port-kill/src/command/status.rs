//! How the tool ends.

use port_kill::{Outcome, ProcessOutcome, Report, Role};
use proc_tree::cli::status::Exit;

/// The tool's own exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Nobody who was asked for holds a port, or it was only asked what would be done.
    Done = 0,
    /// A port is still held, or there was nothing to do and `--require` was given.
    No = 1,
    /// The arguments or a line of standard input are wrong; nothing was done.
    Usage = 2,
    /// The tool could not do its work.
    Failed = 125,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "nobody who was asked for listens any more, or --dry-run"),
        ("1", "a port is or will be held; a PID on stdin holds none; --tree left some; --require, none"),
        ("2", "usage: a bad flag, port or line of stdin, no terminal for -i; nothing was done"),
        ("125", "port-kill itself could not do its work"),
        ("by signal", "SIGINT, SIGTERM, SIGHUP or SIGQUIT, after saying what was signalled"),
    ];

    /// Judges what came of it.
    pub(crate) fn of(report: &Report, dry_run: bool, require: bool) -> Self {
        let is_free = report.is_free() && !report.processes.iter().any(is_left);
        let nothing = is_free && report.processes.iter().all(|process| process.outcome == Outcome::Gone);
        if require && nothing {
            Self::No
        } else if dry_run || is_free {
            Self::Done
        } else {
            Self::No
        }
    }
}

/// Tells whether something that was asked for is left, though it holds no port: a descendant is asked for where trees are
/// stopped, and those that only outlive their server were not signalled.
fn is_left(process: &ProcessOutcome) -> bool {
    match process.outcome {
        Outcome::NoPort => true,
        Outcome::Denied => process.role == Role::Descendant,
        Outcome::Survived => process.role == Role::Descendant && process.signal.is_some(),
        _ => false,
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        Self::Code(status as u8)
    }
}

#[cfg(test)]
mod tests {
    use port_kill::PortOutcome;

    use super::*;

    fn report(free: bool, outcomes: &[Outcome]) -> Report {
        let process = |&outcome: &Outcome| ProcessOutcome {
            port: Some(80),
            pid: Some(7),
            start_id: Some(7),
            name: None,
            role: Role::Holder,
            outcome,
            signal: None,
            elapsed: None,
            reason: None,
            unanswered: None,
            memory: None,
        };
        let port = PortOutcome {
            port: 80,
            protocol: None,
            free,
            reason: None,
            held_by: Vec::new(),
            left_alone: false,
            in_use: false,
        };
        Report { processes: outcomes.iter().map(process).collect(), ports: vec![port], ..Report::default() }
    }

    #[test]
    fn the_status_is_whether_the_ports_are_free_and_whether_that_was_asked_for() {
        use Outcome::{Denied, Gone, NoPort, Refused, Survived, Terminated, WouldSignal};
        use Status::{Done, No};
        for (report, dry_run, plain, required) in [
            (report(true, &[]), false, Done, No),
            (report(true, &[Gone]), false, Done, No),
            (report(true, &[Terminated, Gone]), false, Done, Done),
            (report(false, &[Survived]), false, No, No),
            (report(false, &[Refused]), false, No, No),
            (report(false, &[]), false, No, No),
            (report(true, &[NoPort]), false, No, No),
            (report(true, &[NoPort]), true, Done, Done),
            (report(false, &[WouldSignal]), true, Done, Done),
            (report(true, &[]), true, Done, No),
        ] {
            assert_eq!(Status::of(&report, dry_run, false), plain, "{report:?} {dry_run}");
            assert_eq!(Status::of(&report, dry_run, true), required, "{report:?} {dry_run}");
        }
        for (outcome, signal, tree) in [
            (Denied, None, No),
            (Survived, Some(proc_tree::Signal::TERM), No),
            // it was not asked for: it only outlives its server
            (Survived, None, Done),
            (Terminated, Some(proc_tree::Signal::TERM), Done),
        ] {
            let mut below = report(true, &[Terminated, outcome]);
            below.processes[1].role = Role::Descendant;
            below.processes[1].signal = signal;
            assert_eq!(Status::of(&below, false, false), tree, "{outcome:?} {signal:?}");
        }
        let mut left_alone = report(false, &[Terminated]);
        left_alone.ports[0].left_alone = true;
        assert_eq!(Status::of(&left_alone, false, true), Done, "nobody who was asked for holds it");
        let mut in_use = report(false, &[Terminated]);
        in_use.ports[0].in_use = true;
        assert_eq!(Status::of(&in_use, false, true), Done, "nobody listens");
        let mut unseen = report(true, &[Denied]);
        unseen.processes[0].port = None;
        assert_eq!(Status::of(&unseen, false, false), No, "it cannot be seen what it holds");
    }
}
