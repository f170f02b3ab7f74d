//! A server that is kept up, seen from the call that wants it up: its supervisor is started, and waited for.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    os::fd::AsFd,
    path::Path,
};

use proc_tree::{Identity, cli};

use super::{passing::InFlight, wait::Waited};
use crate::{
    Action, Failure, Outcome, Phase, Port, ReadyError, ServerRecord,
    log::rotate,
    server::{
        evidence::{Evidence, Known},
        judge::judge,
        mark::Mark,
    },
    service::handover,
    signals::ENDING,
    start::{
        call::{Call, Up},
        spawn::{self, Launch},
        starting::{self, Starting},
        waiting::{Doing, Waiting},
    },
};

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
                let outcome = match self.supervised(action, &record) {
                    Ok(outcome) => outcome,
                    Err(failure @ Failure::Shared { .. }) if !ran_before => return Err(starting.fail(failure)),
                    Err(failure) => {
                        drop(starting.release());
                        return Err(failure);
                    }
                };
                let name = if action.is_start() { self.service.name() } else { outcome.name };
                Ok(Some((Outcome { name, ..outcome }, starting.release())))
            }
            Waited::Lost => {
                drop(starting.release());
                Ok(None)
            }
            Waited::Failed(failure) => {
                if matches!(failure, Failure::Broken { .. } | Failure::Ended { .. } | Failure::Supervisor(_)) {
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
    /// was killed, ended before it began one, as it does when its starter was killed before it said what to start, or put it to
    /// rest.
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
            Waited::Failed(Failure::Ended { .. } | Failure::Supervisor(_))
                if self.is_to_be_started(record.port, supervisor)? =>
            {
                Ok(None)
            }
            Waited::Failed(failure) => Err(failure),
        }
    }

    /// Tells whether a supervisor that has ended began none, as it stands for it in the record until then, or stopped it until
    /// somebody wants it.
    fn is_to_be_started(&self, port: Option<Port>, supervisor: Identity) -> Result<bool, Failure> {
        let is_so = |record: ServerRecord| record.identity() == supervisor || record.phase == Phase::Idle;
        Ok(self.recorded_on(port)?.is_some_and(is_so))
    }

    /// Words what was done about a server whose supervisor found it ready.
    fn supervised(&self, action: Action, record: &ServerRecord) -> Result<Outcome, Failure> {
        let evidence = Evidence::gather(record.port, vec![Known::from(record)]).map_err(ReadyError::from)?;
        let judged = judge(&evidence, self.service);
        let stranger = self.stranger_in(&evidence, judged.holdings())?;
        Ok(self.recorded(action, record, judged.holdings(), stranger.as_ref()))
    }
}
