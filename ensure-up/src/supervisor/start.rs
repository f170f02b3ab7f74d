//! A server that is kept up, seen from the call that wants it up: its supervisor is started, and waited for.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    os::fd::AsFd,
    path::Path,
    time::Duration,
};

use proc_tree::{Handle, Identity};
use tokio::{select, time};

use crate::{
    Action, Ending, Failure, Life, Outcome, Phase, Race, Record, Standing, Verdict, health,
    log::changes::Changes,
    log::rotate,
    service::handover,
    signals::Signals,
    start::ensure::{Ensure, Up},
    start::spawn::{self, Launch},
    stop::order,
};

/// A record that was just changed is read this much later at most.
const SETTLE: Duration = Duration::from_millis(5);

/// How the wait for a supervisor ended.
enum Waited {
    Ready(Box<Record>),
    Failed(Failure),
}

impl Ensure<'_> {
    /// Deals with a server that has a supervisor, or shall have one; `None` when it is a matter of an ordinary start.
    pub(crate) fn supervised_server(&self, port: u16, record: &Record, waited: bool) -> Result<Option<Up>, Failure> {
        let wants_new =
            self.existing.restart || (self.existing.restart_if_changed && !self.differences(record, port).is_empty());
        // another command is another try, also while its supervisor has not ended or stays for files that change
        let is_given_up = record.phase == Phase::Broken && !self.differences(record, port).is_empty();
        if let Some(supervisor) = record.running_supervisor() {
            if wants_new || is_given_up {
                order::stop_supervisor(record)?;
                self.clear(port, &Record::read(self.folders, port).unwrap_or_else(|| record.clone()))?;
                return self.start(port, if wants_new { Action::Restarted } else { Action::Started }).map(Some);
            }
            let action = if waited || record.phase != Phase::Ready { Action::Joined } else { Action::Reused };
            return self.wait_for(port, supervisor, action, None).map(Some);
        }
        if wants_new || self.service.kept_up().is_none() {
            return Ok(None);
        }
        if record.phase == Phase::Broken && self.differences(record, port).is_empty() {
            return Err(self.broken(record));
        }
        let mut life = Life::watch(record.identity(), false).map_err(Failure::system("watch the server"))?;
        if life.ended().map_err(Failure::system("watch the server"))?.is_some() {
            return Ok(None);
        }
        let (mut outcome, life) = self.supervise(record.with_identity(life.identity()), Action::Adopted)?;
        outcome.reason = Some("it ran without a supervisor".into());
        Ok(Some((outcome, life)))
    }

    /// Whatever is left of a server whose supervisor was stopped.
    fn clear(&self, port: u16, record: &Record) -> Result<(), Failure> {
        let holdings = self.standing(port, &[record.identity()])?;
        match holdings {
            Standing::Ours(holdings) => self.stop(port, &holdings, Some(record.identity())),
            _ => Ok(()),
        }
    }

    /// Starts a supervisor for the server of this record, and waits until it says that the server is ready.
    pub(crate) fn supervise(&self, record: Record, action: Action) -> Result<Up, Failure> {
        let port = record.port;
        let own = env::current_exe().map_err(Failure::system("find this program"))?;
        // that it is a supervisor is seen by its first argument, as port-kill does
        let command: [OsString; 3] = [own.clone().into(), "--supervise".into(), port.to_string().into()];
        let written = handover::written(&self.service.spec).map_err(Failure::system("write down the service"))?;
        let (spec, mut sender) = io::pipe().map_err(Failure::system("make a pipe"))?;
        let here = env::current_dir().map_err(Failure::system("find the working folder"))?;
        let output = record.log.as_deref().map_or_else(|| rotate::open(Path::new("/dev/null")), rotate::open);
        let output = output.map_err(Failure::state("write", &self.folders.logs))?;
        let launch = Launch {
            command: &command,
            cwd: &here,
            environment: env::vars_os().collect(),
            input: Some(spec.as_fd()),
            output: spawn::output(&output),
        };
        let launched = launch.fork()?;
        let supervisor = launched.identity();
        // until it has started the server, the supervisor stands for it
        let record = if record.pid == 0 { record.with_identity(supervisor) } else { record };
        self.write(&Record { supervisor: Some(supervisor), phase: Phase::Starting, reason: None, ..record })?;
        launched.go(own.as_os_str())?;
        // one that does not read has ended, which is seen next
        drop(spec);
        let _ = sender.write_all(&written);
        drop(sender);
        let life = Life::watch(supervisor, true).map_err(Failure::system("watch the supervisor"))?;
        self.wait_for(port, supervisor, action, Some(life))
    }

    /// Waits until the supervisor has its server ready. A supervisor that this call started is stopped when it is not.
    fn wait_for(&self, port: u16, supervisor: Identity, action: Action, life: Option<Life>) -> Result<Up, Failure> {
        let watched = self.watch(port, supervisor, life.is_some());
        let waited = health::block_on(watched).map_err(Failure::system("wait"))??;
        match waited {
            Waited::Ready(record) => {
                let standing = self.standing(port, &[record.identity()])?;
                let outcome = self.recorded(action, &record, standing.holdings());
                let reported =
                    if action.is_start() { Outcome { name: self.service.name(), ..outcome } } else { outcome };
                Ok((reported, life))
            }
            Waited::Failed(failure) => {
                let is_over = matches!(failure, Failure::Broken { .. } | Failure::Ended { .. });
                if let Some(record) = Record::read(self.folders, port).filter(|_| life.is_some() && !is_over) {
                    order::stop(self.folders, record)?;
                }
                Err(failure)
            }
        }
    }

    /// Waits for the supervisor. What that itself found ready just now is ready; what it found ready long ago is asked.
    async fn watch(&self, port: u16, supervisor: Identity, mut is_new: bool) -> Result<Waited, Failure> {
        let failed = || Failure::system("watch the supervisor");
        let mut changes = Changes::of(&self.folders.runtime).map_err(failed())?;
        let mut signals = Signals::catch().map_err(failed())?;
        loop {
            // whether it lives is asked before the record is read: what it writes last is not missed
            let handle = Handle::open(supervisor).map_err(failed())?;
            let record = Record::read(self.folders, port).filter(|record| record.supervisor == Some(supervisor));
            match (record, &handle) {
                (Some(record), _) if record.phase == Phase::Broken => return Ok(Waited::Failed(self.broken(&record))),
                (record, None) => return Ok(Waited::Failed(self.ended(port, record.as_ref()))),
                (Some(record), _) if record.phase == Phase::Finished => {
                    return Ok(Waited::Failed(self.ended(port, Some(&record))));
                }
                (Some(record), Some(_)) if record.phase == Phase::Ready && is_new => {
                    return Ok(Waited::Ready(record.into()));
                }
                (Some(record), Some(_)) if record.phase == Phase::Ready => {
                    if let Some(waited) = self.healthy(port, record).await? {
                        return Ok(waited);
                    }
                }
                _ => is_new = true,
            }
            select! {
                // a log in the same folder changes all the time
                () = changes.next() => time::sleep(SETTLE).await,
                () = ended(handle.as_ref()) => {}
                signal = signals.next() => return Ok(Waited::Failed(Failure::Interrupted(signal))),
                () = until(self.clock.deadline) => return Ok(Waited::Failed(self.still_starting(port))),
            }
        }
    }

    /// Waits until a server that was ready once is healthy; `None` when it ends, which its supervisor will see as well.
    async fn healthy(&self, port: u16, record: Record) -> Result<Option<Waited>, Failure> {
        let failed = || Failure::system("watch the server");
        let mut life = Life::watch(record.identity(), false).map_err(failed())?;
        let race = Race { life: Some(&mut life), ..self.race(port) };
        Ok(match race.run().await? {
            Verdict::Ready(_) => Some(Waited::Ready(record.into())),
            Verdict::Ended { .. } => None,
            verdict => Some(Waited::Failed(self.not_ready(port, verdict, record.log))),
        })
    }

    fn still_starting(&self, port: u16) -> Failure {
        let record = Record::read(self.folders, port);
        let how = record.as_ref().and_then(|record| record.reason.as_ref());
        let what = how.map_or_else(|| "it is still starting".into(), |how| format!("it {how}"));
        self.too_late(port, what, record.and_then(|record| record.log), Vec::new())
    }

    fn broken(&self, record: &Record) -> Failure {
        let reason = record.reason.clone().unwrap_or_else(|| "it was given up".into());
        Failure::Broken { name: self.service.name(), reason, log: record.log.clone() }
    }

    fn ended(&self, port: u16, record: Option<&Record>) -> Failure {
        let log = record
            .and_then(|record| record.log.clone())
            .unwrap_or_else(|| self.service.log_path(&self.folders.logs, port));
        let is_done = record.is_some_and(|record| record.phase == Phase::Finished);
        Failure::Ended {
            name: self.service.name(),
            ending: if is_done { Ending::Exited(0) } else { Ending::Unknown },
            after: self.clock.took(),
            missing: "was ready".into(),
            log,
        }
    }
}

async fn ended(handle: Option<&Handle>) {
    if let Some(handle) = handle {
        let _ = health_wait::ended(handle).await;
    }
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
