//! The wait for a supervisor: until its server is ready, it has given up, or it is gone.

mod step;

use std::time::{Duration, SystemTime};

use proc_tree::{Handle, Identity};
use tokio::{select, time};

use self::step::{Step, is_over};
use crate::{
    End, Failure, Phase, Port, ServerProcesses, ServerRecord,
    event::{block_on, or_never, until},
    log::last,
    report::explanation::continued,
    server::{
        folder_watch::FolderWatch,
        halted::{self, is_halted},
        lost,
        notice::Notice,
    },
    signals::Signals,
    start::{
        call::Call,
        race::RaceEnd,
        waiting::{Doing, Waiting},
    },
};

/// A record that was just changed is read this much later at most.
const SETTLE: Duration = Duration::from_millis(5);

/// How often is looked whether a supervisor is halted: that is no event.
const LOOK: Duration = Duration::from_secs(1);

/// How the wait for a supervisor ended.
pub(super) enum Waited {
    Ready(Box<ServerRecord>),
    Failed(Failure),
    /// The supervisor is gone and said nothing: its server may live.
    Lost,
}

impl Call<'_> {
    pub(super) fn wait_for_supervisor(
        &self,
        port: Option<Port>,
        supervisor: Identity,
        is_new: bool,
        is_own: bool,
    ) -> Result<Waited, Failure> {
        block_on(self.watch(port, supervisor, is_new, is_own)).map_err(Failure::system("wait"))?
    }

    /// Tells what the supervisor does, as it says itself.
    fn tell(&self, record: &ServerRecord, supervisor: Identity, is_own: bool) {
        let (said, reason) = self.said(record, supervisor).map(|waiting| (waiting.doing, waiting.reason)).unzip();
        // why it is started again is of interest until it is up
        let why = record.reason.clone().filter(|_| record.restarts + record.reloads > 0);
        let doing = match said {
            Some(Doing::Restarting(at)) if record.phase == Phase::Waiting => Doing::Restarting(at),
            _ if why.is_some() => Doing::Restarting(SystemTime::UNIX_EPOCH),
            _ if is_own => Doing::Starting,
            _ => Doing::Joining(Some(supervisor.pid)),
        };
        let reason = match (record.phase, why, reason.flatten()) {
            (Phase::Waiting, ..) => record.reason.clone(),
            (_, Some(why), Some(reason)) if why != reason => Some(format!("{why}; {reason}")),
            (_, why, reason) => why.or(reason),
        };
        self.observer.tell(&Waiting {
            pid: Some(record.pid).filter(|&pid| pid != supervisor.pid && pid != 0),
            is_own,
            reason,
            log: record.log.clone(),
            ..self.waiting(doing, record.port)
        });
    }

    /// Reads what the supervisor says that it waits for.
    fn said(&self, record: &ServerRecord, supervisor: Identity) -> Option<Waiting> {
        let path = self.state_folder.of_service(&record.service, record.port, "supervisor");
        Notice::read(&path).filter(|notice| notice.pid == supervisor.pid)?.waiting
    }

    /// Waits for the supervisor. What that itself found ready just now is ready; what it found ready long ago is asked.
    async fn watch(
        &self,
        port: Option<Port>,
        supervisor: Identity,
        mut is_new: bool,
        is_own: bool,
    ) -> Result<Waited, Failure> {
        let failed = || Failure::system("watch the supervisor");
        let mut changes = FolderWatch::of_state(&self.state_folder.path).map_err(failed())?;
        let mut signals = Signals::catch().map_err(failed())?;
        let mut over = None;
        loop {
            // whether it lives is asked before the record is read: what it writes last is not missed
            let handle = Handle::open(supervisor).map_err(failed())?;
            changes.renew().map_err(failed())?;
            let record = match self.recorded_on(port)? {
                Some(record) if handle.is_none() || is_of(&record, supervisor) => Some(record),
                // it was deleted, or another starter wrote over it, and the supervisor may have nothing to write for long
                _ => {
                    is_new = false;
                    self.found_again(port)?
                }
            };
            let record = record.filter(|record| is_of(record, supervisor));
            let on_its_way = record.as_ref().filter(|record| matches!(record.phase, Phase::Starting | Phase::Waiting));
            match on_its_way {
                Some(record) if is_halted(supervisor) => self.tell_halted(record, supervisor),
                Some(record) => self.tell(record, supervisor, is_own),
                None => {}
            }
            let lives = handle.is_some();
            match step::next(record.as_ref(), supervisor, lives, is_new, over.as_ref()) {
                Step::GivenUp(record) => return Ok(Waited::Failed(self.broken(record))),
                Step::Ended => return Ok(Waited::Failed(self.ended(port, record.as_ref()))),
                Step::Lost => return Ok(Waited::Lost),
                Step::LookElsewhere => {
                    let is_another = self.found_again(port)?.is_some_and(|found| found.is_alive().unwrap_or(true));
                    let failed = || Waited::Failed(self.not_begun(port, record.as_ref()));
                    return Ok(if is_another { Waited::Lost } else { failed() });
                }
                Step::Ready(record) => return Ok(Waited::Ready(Box::new(record.clone()))),
                Step::Over(record) => {
                    if is_halted(supervisor) {
                        self.tell_halted(record, supervisor);
                    }
                }
                Step::Ask(asked) => {
                    if let Some(waited) = self.healthy(port, asked).await? {
                        return Ok(waited);
                    }
                    over = record;
                }
                Step::Wait => is_new = true,
            }
            select! {
                // a log in the same folder changes all the time
                () = changes.changed() => time::sleep(SETTLE).await,
                _ = or_never(handle.as_ref().map(health_wait::ended)) => {}
                () = time::sleep(LOOK) => {}
                signal = signals.next() => return Ok(Waited::Failed(Failure::Interrupted(signal))),
                () = until(self.clock.deadline) => return Ok(Waited::Failed(self.still_starting(port, supervisor))),
            }
        }
    }

    /// Finds again what is known of the service's server by what its processes carry.
    fn found_again(&self, port: Option<Port>) -> Result<Option<ServerRecord>, Failure> {
        lost::find(self.state_folder, &self.service.id, port).map_err(Failure::system("look at the processes"))
    }

    /// Waits until a server that was ready once is healthy; `None` when it ends, which its supervisor will see as well.
    async fn healthy(&self, port: Option<Port>, record: &ServerRecord) -> Result<Option<Waited>, Failure> {
        let failed = || Failure::system("watch the server");
        let mut processes = ServerProcesses::of(record).map_err(failed())?;
        let waiting = Waiting { log: record.log.clone(), ..self.waiting(Doing::Awaiting, port) };
        let race = self.race(record.port).of(Some(&mut processes)).recorded(Some(record)).told(waiting, self.observer);
        Ok(match Box::pin(race.run()).await? {
            RaceEnd::Ready(_) => Some(Waited::Ready(Box::new(record.clone()))),
            RaceEnd::Ended { .. } => None,
            end => Some(Waited::Failed(self.not_ready(port, end, record.log.clone()))),
        })
    }

    /// Tells that nothing comes of the wait as long as the supervisor is halted.
    fn tell_halted(&self, record: &ServerRecord, supervisor: Identity) {
        let (halted, continued) = (halted::words(record.has_ended(), supervisor.pid), continued(supervisor.pid));
        let waiting = Waiting { log: record.log.clone(), ..self.waiting(Doing::Awaiting, record.port) };
        self.observer.tell(&Waiting { reason: Some(format!("{halted}; {continued}")), ..waiting });
    }

    fn still_starting(&self, port: Option<Port>, supervisor: Identity) -> Failure {
        let record = self.recorded_on(port).ok().flatten();
        if is_halted(supervisor) {
            let (name, within) = (self.service.name(), self.clock.limit());
            let what = halted::words(record.as_ref().is_some_and(ServerRecord::has_ended), supervisor.pid);
            return Failure::Halted { name, port, within, what, supervisor: supervisor.pid };
        }
        let how = record.as_ref().and_then(|record| record.reason.as_ref()).map(|how| format!("it {how}"));
        let said = || self.said(record.as_ref()?, supervisor)?.reason;
        let what = how.or_else(said).unwrap_or_else(|| "it is still starting".into());
        self.too_late(port, what, record.and_then(|record| record.log), Vec::new())
    }

    /// Says that the circuit breaker is open.
    pub(crate) fn broken(&self, record: &ServerRecord) -> Failure {
        let reason = record.reason.clone().unwrap_or_else(|| "it was given up".into());
        Failure::Broken { name: self.service.name(), reason, log: record.log.clone() }
    }

    /// Words the end of a supervisor that had started no server: it says why in the log, which is its standard error.
    fn not_begun(&self, port: Option<Port>, record: Option<&ServerRecord>) -> Failure {
        let log = record.and_then(|record| record.log.as_deref());
        let said = log.and_then(|log| last::lines(log, 1).pop());
        match said.as_deref().and_then(|line| line.strip_prefix("ensure-up: cannot ")) {
            Some(why) => Failure::Supervisor(format!("cannot {why}")),
            None => self.ended(port, record),
        }
    }

    fn ended(&self, port: Option<Port>, record: Option<&ServerRecord>) -> Failure {
        let log = record
            .and_then(|record| record.log.clone())
            .unwrap_or_else(|| self.service.log_path(&self.state_folder.path, port));
        let end = record.filter(|record| record.phase == Phase::Finished).and_then(|record| record.end);
        Failure::Ended {
            name: self.service.name(),
            end: end.unwrap_or(End::Unknown),
            after: None,
            missing: Some("was ready".into()),
            log,
        }
    }
}

/// Tells whether a record says what became of this supervisor's server.
fn is_of(record: &ServerRecord, supervisor: Identity) -> bool {
    is_over(record) || record.supervisor == Some(supervisor)
}
