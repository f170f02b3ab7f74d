//! How the tool ends.

use port_kill::{Outcome, Report};
use proc_tree::cli::status::Exit;

/// The tool's own exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Every port is free, or it was only asked what would be done.
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
        ("0", "every port is free, or --dry-run"),
        ("1", "a port is still held; with --require, nothing was listening; stdin was empty"),
        ("2", "usage: a bad flag, port or line of stdin, no terminal for -i; nothing was done"),
        ("125", "port-kill itself could not do its work"),
        ("by signal", "SIGINT or SIGTERM, after saying what was signalled"),
    ];

    /// Judges what came of it.
    pub(crate) fn of(report: &Report, dry_run: bool, require: bool) -> Self {
        let is_free = report.is_free();
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

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        Self::Code(status as u8)
    }
}

#[cfg(test)]
mod tests {
    use port_kill::{PortOutcome, ProcessOutcome, Role};

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
        let port = PortOutcome { port: 80, protocol: None, free, reason: None, held_by: Vec::new() };
        Report { processes: outcomes.iter().map(process).collect(), ports: vec![port], ..Report::default() }
    }

    #[test]
    fn the_status_is_whether_the_ports_are_free_and_whether_that_was_asked_for() {
        use Outcome::{Denied, Gone, Refused, Survived, Terminated, WouldSignal};
        use Status::{Done, No};
        for (report, dry_run, plain, required) in [
            (report(true, &[]), false, Done, No),
            (report(true, &[Gone]), false, Done, No),
            (report(true, &[Terminated, Gone]), false, Done, Done),
            (report(false, &[Survived]), false, No, No),
            (report(false, &[Refused]), false, No, No),
            (report(false, &[]), false, No, No),
            (report(false, &[WouldSignal]), true, Done, Done),
            (report(true, &[]), true, Done, No),
        ] {
            assert_eq!(Status::of(&report, dry_run, false), plain, "{report:?} {dry_run}");
            assert_eq!(Status::of(&report, dry_run, true), required, "{report:?} {dry_run}");
        }
        let mut unseen = report(true, &[Denied]);
        unseen.processes[0].port = None;
        assert_eq!(Status::of(&unseen, false, false), No, "it cannot be seen what it holds");
    }
}
