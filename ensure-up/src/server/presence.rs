//! What there is of a recorded server: it runs, has left something behind, that may have its socket, or is gone.

use std::io;

use super::{census::Census, phase::Phase, record::ServerRecord};

/// What there is of a recorded server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It runs.
    Runs,
    /// Nothing that is known to be the server runs, but something that it started.
    Leftovers,
    /// What it started has the port's socket open, and nobody accepts there.
    Deserted,
    /// A stop of it was begun and not brought to its end: it may be about to end, or be halted.
    HalfStopped,
    /// Nothing of it runs.
    Gone,
}

impl Presence {
    /// Tells of what is there whether it is what a stop has left that was killed or interrupted. To be asked by who holds the lock:
    /// nobody stops it then.
    pub(crate) fn after_stop(self, record: &ServerRecord) -> Self {
        if record.is_being_stopped && self != Self::Gone { Self::HalfStopped } else { self }
    }

    /// Looks what there is of a server; all processes are looked at only when it does not plainly run.
    ///
    /// # Errors
    /// When the processes cannot be looked at.
    pub(crate) fn now(record: &ServerRecord) -> io::Result<Self> {
        if record.running()?.is_some() { Ok(Self::Runs) } else { Ok(Self::in_census(record, &Census::take()?)) }
    }

    /// Finds in the census what there is of a server.
    pub(crate) fn in_census(record: &ServerRecord, census: &Census) -> Self {
        let members = census.members(record);
        let runs = record.roots().into_iter().any(|root| members.contains(&root));
        Self::of(record.phase, runs, !members.is_empty())
    }

    /// Decides from what was recorded last and from what runs. A wrapper that ends while its server comes up leaves that
    /// behind, as a daemon does; once a server was ready, what is left without it is no server.
    fn of(phase: Phase, runs: bool, is_left: bool) -> Self {
        match (runs, is_left, phase) {
            (true, ..) | (false, true, Phase::Starting) => Self::Runs,
            (false, true, _) => Self::Leftovers,
            (false, false, _) => Self::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proc_tree::Identity;

    use super::*;
    use crate::{Service, ServiceSpec};

    #[test]
    fn what_is_left_of_a_server_that_was_ready_is_no_server() {
        use Phase::{Broken, Failed, Finished, Idle, Ready, Starting, Stopped, Waiting};
        for phase in [Starting, Ready, Waiting, Broken, Finished, Idle, Failed, Stopped] {
            assert_eq!(Presence::of(phase, true, true), Presence::Runs, "{phase:?}");
            assert_eq!(Presence::of(phase, true, false), Presence::Runs, "{phase:?}");
            let left = if phase == Starting { Presence::Runs } else { Presence::Leftovers };
            assert_eq!(Presence::of(phase, false, true), left, "{phase:?}");
            assert_eq!(Presence::of(phase, false, false), Presence::Gone, "{phase:?}");
        }
    }

    #[test]
    fn the_census_tells_whether_the_recorded_process_runs() {
        let spec = ServiceSpec { port: "80".parse().ok(), command: vec!["serve".into()], ..ServiceSpec::default() };
        let record = ServerRecord::expected(&Service::try_from(spec).expect("it can be started"));
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep is there");
        let Identity { pid, start_id } = Identity::of(child.id()).expect("it can be seen").expect("it was not reaped");
        let record = ServerRecord { phase: Phase::Ready, pid, start_id, ..record };
        let presence = || Presence::in_census(&record, &Census::take().expect("the processes can be looked at"));
        let there = presence();
        child.kill().and_then(|()| child.wait()).expect("it is ours");
        assert_eq!((there, presence()), (Presence::Runs, Presence::Gone));
    }
}
