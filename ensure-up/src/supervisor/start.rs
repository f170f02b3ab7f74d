//! A server that is kept up, seen from the call that wants it up: its supervisor is started, and waited for.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    os::fd::AsFd,
    path::Path,
    time::{Duration, SystemTime},
};

use proc_tree::{Handle, Identity, cli};
use tokio::{select, time};

use super::passing::InFlight;
use crate::{
    Action, End, Failure, Outcome, Phase, Port, ReadyError, ServerProcesses, ServerRecord,
    event::{block_on, or_never, until},
    log::rotate,
    report::explanation::continued,
    server::{
        evidence::{Evidence, Known},
        folder_watch::FolderWatch,
        halted::{self, is_halted},
        judge::judge,
        lost,
        mark::Mark,
        notice::Notice,
    },
    service::handover,
    signals::{ENDING, Signals},
    start::{
        call::{Call, Up},
        race::RaceEnd,
        spawn::{self, Launch},
        starting::{self, Starting},
        waiting::{Doing, Waiting},
    },
};

/// A record that was just changed is read this much later at most.
const SETTLE: Duration = Duration::from_millis(5);

/// How often is looked whether a supervisor is halted: that is no event.
const LOOK: Duration = Duration::from_secs(1);

/// How the wait for a supervisor ended.
enum Waited {
    Ready(Box<ServerRecord>),
    Failed(Failure),
    /// The supervisor is gone and said nothing: its server may live.
    Lost,
}

impl Call<'_> {
    /// Starts a supervisor for the server of this record, and waits until it says that the server is ready; `None` when it
    /// was killed meanwhile, and there is to be looked what it left.
    pub(crate) fn supervise(
        &self,
        record: ServerRecord,
        action: Action,
        socket: Option<InFlight>,
    ) -> Result<Option<Up>, Failure> {
        let port = record.port;
        let own = env::current_exe().map_err(Failure::system("find this program"))?;
        // that it is a supervisor is seen by its first argument, as port-kill does
        let command: [OsString; 3] = [own.into(), "--supervise".into(), record.key().into()];
        let written = handover::written(&self.service.spec).map_err(Failure::system("write down the service"))?;
        let (spec, mut sender) = io::pipe().map_err(Failure::system("make a pipe"))?;
        let here = env::current_dir().map_err(Failure::system("find the working folder"))?;
        let output = record.log.as_deref().map_or_else(|| rotate::open(Path::new("/dev/null")), rotate::open);
        let output = output.map_err(Failure::state("write", &self.state_folder.path))?;
        let launch = Launch {
            command: &command,
            cwd: &here,
            environment: self.marked(port),
            input: Some(spec.as_fd()),
            socket: socket.as_ref().map(InFlight::message),
            output: spawn::output(&output),
        };
        // from here on a signal ends the wait, not this process: nothing that was started may be left behind
        let _signals = cli::signals::Signals::catch(&ENDING).map_err(Failure::system("catch signals"))?;
        let ran_before = record.pid != 0;
        let supervisor = starting::launch(&launch, |supervisor| {
            // until it has started the server, the supervisor stands for it
            let record = if record.pid == 0 { record.with_identity(supervisor) } else { record };
            self.write(&ServerRecord { supervisor: Some(supervisor), phase: Phase::Starting, reason: None, ..record })
        })?;
        drop(socket);
        let identity = supervisor.identity();
        let starting = Starting::own(supervisor, self.service, self.state_folder, port);
        // one that does not read has ended, which is seen next
        drop(spec);
        let _ = sender.write_all(&written);
        drop(sender);
        let waited = match self.wait_for_supervisor(port, identity, true, true) {
            // a server that ran before is not stopped because it cannot be waited for
            Err(failure) if ran_before => {
                drop(starting.release());
                return Err(failure);
            }
            Err(failure) => return Err(starting.fail(failure)),
            Ok(waited) => waited,
        };
        match waited {
            Waited::Ready(record) => {
                let outcome = self.supervised(action, &record)?;
                let name = if action.is_start() { self.service.name() } else { outcome.name };
                Ok(Some((Outcome { name, ..outcome }, starting.release())))
            }
            Waited::Lost => {
                drop(starting.release());
                Ok(None)
            }
            Waited::Failed(failure) => {
                if matches!(failure, Failure::Broken { .. } | Failure::Ended { .. }) {
                    // it has ended, and what it left is for --status and --logs
                    drop(starting.release());
                    return Err(failure);
                }
                let waiting = self.waiting(Doing::Stopping, port);
                Err(match self.recorded_on(port) {
                    Ok(Some(record)) => {
                        let pid = Some(record.pid).filter(|&pid| pid != identity.pid);
                        self.observer.tell_stop(Waiting { pid, log: record.log.clone(), ..waiting });
                        starting.not_up(failure, record)
                    }
                    _ => starting.fail(failure),
                })
            }
        }
    }

    /// Returns this process's environment with the mark of the server: a title may be written over the server's own, and
    /// never over the supervisor's.
    fn marked(&self, port: Option<Port>) -> Vec<(OsString, OsString)> {
        let mark = Mark::of(self.service, port, self.state_folder).variable();
        env::vars_os().filter(|(name, _)| *name != mark.0).chain([mark.clone()]).collect()
    }

    /// Waits until the supervisor of a recorded server, which somebody else started, has its server ready; `None` when it
    /// was killed, or ended before it began one, as it does when its starter was killed before it said what to start.
    pub(crate) fn join_supervisor(
        &self,
        record: &ServerRecord,
        supervisor: Identity,
        waited: bool,
    ) -> Result<Option<Up>, Failure> {
        match self.wait_for_supervisor(record.port, supervisor, false, false)? {
            Waited::Ready(ready) => {
                let was_up = record.phase == Phase::Ready && ready.identity() == record.identity();
                let action = if waited || !was_up { Action::Joined } else { Action::Reused };
                Ok(Some((self.supervised(action, &ready)?, None)))
            }
            Waited::Lost => Ok(None),
            Waited::Failed(Failure::Ended { .. }) if self.began_nothing(record.port, supervisor)? => Ok(None),
            Waited::Failed(failure) => Err(failure),
        }
    }

    /// Until it has started the server, a supervisor stands for it in the record.
    fn began_nothing(&self, port: Option<Port>, supervisor: Identity) -> Result<bool, Failure> {
        Ok(self.recorded_on(port)?.is_some_and(|record| record.identity() == supervisor))
    }

    fn wait_for_supervisor(
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
        let path = self.state_folder.of_service(&record.service, record.port, "supervisor");
        let said = Notice::read(&path).filter(|notice| notice.pid == supervisor.pid).and_then(|notice| notice.waiting);
        let (said, reason) = said.map(|waiting| (waiting.doing, waiting.reason)).unzip();
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

    /// Words what was done about a server whose supervisor found it ready.
    fn supervised(&self, action: Action, record: &ServerRecord) -> Result<Outcome, Failure> {
        let evidence = Evidence::gather(record.port, vec![Known::from(record)]).map_err(ReadyError::from)?;
        Ok(self.recorded(action, record, judge(&evidence, self.service).holdings()))
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
            let is_over = record.as_ref().is_some_and(is_over);
            let record = record.filter(|record| is_of(record, supervisor));
            let on_its_way = record.as_ref().filter(|record| matches!(record.phase, Phase::Starting | Phase::Waiting));
            match on_its_way {
                Some(record) if is_halted(supervisor) => self.tell_halted(record, supervisor),
                Some(record) => self.tell(record, supervisor, is_own),
                None => {}
            }
            match (record, &handle) {
                (Some(record), _) if record.phase == Phase::Broken => return Ok(Waited::Failed(self.broken(&record))),
                (Some(record), _) if record.phase == Phase::Finished => {
                    return Ok(Waited::Failed(self.ended(port, Some(&record))));
                }
                (record, None) if is_over => return Ok(Waited::Failed(self.ended(port, record.as_ref()))),
                (record, None) => {
                    // what it was to start, and whether it did, is in its record
                    let runs = record.as_ref().is_some_and(|record| record.pid != supervisor.pid);
                    let is_another = || {
                        self.found_again(port).map(|found| found.is_some_and(|found| found.is_alive().unwrap_or(true)))
                    };
                    return Ok(if runs || is_another()? {
                        Waited::Lost
                    } else {
                        Waited::Failed(self.ended(port, record.as_ref()))
                    });
                }
                (Some(record), Some(_)) if record.phase == Phase::Ready && is_new => {
                    return Ok(Waited::Ready(Box::new(record)));
                }
                // its server has ended, and the supervisor has not said so yet
                (Some(record), Some(_)) if over.as_ref() == Some(&record) => {
                    if is_halted(supervisor) {
                        self.tell_halted(&record, supervisor);
                    }
                }
                (Some(record), Some(_)) if record.phase == Phase::Ready => {
                    if let Some(waited) = self.healthy(port, &record).await? {
                        return Ok(waited);
                    }
                    over = Some(record);
                }
                _ => is_new = true,
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
        let how = record.as_ref().and_then(|record| record.reason.as_ref());
        let what = how.map_or_else(|| "it is still starting".into(), |how| format!("it {how}"));
        self.too_late(port, what, record.and_then(|record| record.log), Vec::new())
    }

    /// Says that the circuit breaker is open.
    pub(crate) fn broken(&self, record: &ServerRecord) -> Failure {
        let reason = record.reason.clone().unwrap_or_else(|| "it was given up".into());
        Failure::Broken { name: self.service.name(), reason, log: record.log.clone() }
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

fn is_over(record: &ServerRecord) -> bool {
    matches!(record.phase, Phase::Finished | Phase::Idle | Phase::Stopped)
}
