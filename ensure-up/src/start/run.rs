//! Starting a server: its log, its record, its process, and the wait until it is ready, with the lock held all the while.

use std::{fs::File, path::Path};

use proc_tree::{Identity, process};

use crate::{
    Action, Failure, Life, Lines, Outcome, Phase, Record, Verdict, health,
    log::rotate,
    server::life,
    signals::Signals,
    start::ensure::{Ensure, Up},
    start::notify::{self, Notify},
    start::spawn::{self, Launch},
    stop::tree,
};

/// One start.
#[derive(Debug)]
pub(crate) struct Start<'s, 'e> {
    pub(crate) ensure: &'s Ensure<'e>,
    pub(crate) port: u16,
    pub(crate) action: Action,
}

impl Start<'_, '_> {
    /// Starts the server and waits until it is ready; one that does not come up is stopped.
    pub(crate) fn run(&self) -> Result<Up, Failure> {
        let Ensure { service, folders, .. } = self.ensure;
        let path = service.log_path(&folders.logs, self.port);
        if service.kept_up().is_some() {
            let program = service.spec.command.first().map_or("".as_ref(), |program| program.as_os_str());
            spawn::find(program, &service.whole_environment(self.port))?;
        }
        let file = rotate::start(&path, service.spec.log_keep)?;
        // old logs are nobody's concern when a server is to be started
        let _ = rotate::prune(&folders.logs, |port| Record::read(folders, port).is_some());
        if service.kept_up().is_some() {
            let record = Self::record(self.ensure, self.port, None, Some(&path));
            return self.ensure.supervise(record, self.action);
        }
        life::become_subreaper();
        health::block_on(self.launch_and_wait(&path, &file)).map_err(Failure::system("wait"))?
    }

    async fn launch_and_wait(&self, path: &Path, file: &File) -> Result<Up, Failure> {
        let notify = if self.ensure.service.spec.ready_notify {
            Some(Notify::open().map_err(Failure::system("open the notify socket"))?)
        } else {
            None
        };
        // from here on a signal ends the race, not this process: nothing that was started may be left behind
        let _signals = Signals::catch().map_err(Failure::system("catch signals"))?;
        let log = Lines::of(Some(path), 0, self.ensure.service);
        let mut record = self.launch(path, file, notify.as_ref())?;
        let mut life = Life::watch(record.identity(), true).map_err(Failure::system("watch the server"))?;
        let race = self.ensure.race(self.port);
        let race = crate::Race { life: Some(&mut life), log, notify: notify.as_ref(), was_there: false, ..race };
        match race.run().await {
            Ok(Verdict::Ready(holdings)) => {
                // what a wrapper left behind is the server now
                record = record.with_identity(life.identity());
                record.phase = Phase::Ready;
                self.ensure.write(&record)?;
                let outcome =
                    self.ensure.outcome(self.action, record.name, self.port, Some(life.identity()), &holdings);
                Ok((Outcome { log: Some(path.to_owned()), ..outcome }, Some(life)))
            }
            lost => {
                self.clear(&life)?;
                let failure = self.ensure.not_ready(self.port, lost?, Some(path.to_owned()));
                if !matches!(failure, Failure::Interrupted(_)) {
                    // kept for --status and --logs; nothing is lost when it cannot be
                    let _ = Record { reason: Some(failure.to_string()), ..record }.write(self.ensure.folders);
                }
                Err(failure)
            }
        }
    }

    /// Writes the record before the process becomes the server.
    fn launch(&self, path: &Path, file: &File, notify: Option<&Notify>) -> Result<Record, Failure> {
        let Ensure { service, .. } = self.ensure;
        let command = service.command(self.port);
        let environment = notify::environment(service.whole_environment(self.port), notify);
        let launch =
            Launch { command: &command, cwd: &service.cwd, environment, input: None, output: spawn::output(file) };
        let launched = launch.fork()?;
        let record = Self::record(self.ensure, self.port, Some(launched.identity()), Some(path));
        self.ensure.write(&record)?;
        let program = command.first().cloned().unwrap_or_default();
        launched.go(&program).inspect_err(|_| {
            let _ = Record::remove(self.ensure.folders, self.port);
        })?;
        Ok(record)
    }

    /// Stops what was started and did not come up.
    fn clear(&self, life: &Life) -> Result<(), Failure> {
        let Ensure { service, folders, .. } = self.ensure;
        let whole = life.whole().map_err(Failure::system("watch the server"))?;
        tree::stop(&whole, service.spec.stop_signal, service.spec.grace).map_err(Failure::system("stop the server"))?;
        Record::remove(folders, self.port).map_err(Failure::state("remove the record in", &folders.runtime))
    }

    /// Describes a server that is on its way up.
    pub(crate) fn record(ensure: &Ensure<'_>, port: u16, identity: Option<Identity>, log: Option<&Path>) -> Record {
        let Ensure { service, .. } = ensure;
        let Identity { pid, start_id } = identity.unwrap_or(Identity { pid: 0, start_id: 0 });
        Record {
            name: service.name(),
            port,
            pid,
            start_id,
            boot_id: process::boot_id().unwrap_or_default(),
            phase: Phase::Starting,
            command: ensure.words(port),
            cwd: service.cwd.clone(),
            environment: service.environment_fingerprint(),
            log: log.map(Path::to_path_buf),
            health: service.health(port),
            probe: service.spec.probe.clone(),
            stop_signal: service.spec.stop_signal.to_string(),
            grace_ms: u64::try_from(service.spec.grace.as_millis()).unwrap_or(u64::MAX),
            restarts: 0,
            supervisor: None,
            reason: None,
            depends_on: service.spec.depends_on.clone(),
        }
    }
}
