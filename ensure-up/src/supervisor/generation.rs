//! One generation of a supervised server: from its start to its end.

use std::{
    future::Future,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use tokio::select;

use super::{
    liveness, memory,
    run::{Over, Supervisor, changed, message},
};
use crate::{
    Clock, Ending, Failure, Life, Lines, Phase, Race, Verdict,
    server::life,
    service::supervision::RestartOn,
    start::notify::{self, Notify},
    start::spawn::{self, Launch, LaunchError},
};

/// Statuses that say that the command cannot be executed, or is not there: a shell's own.
const NO_COMMAND: [i32; 2] = [126, 127];

impl Supervisor<'_> {
    /// Starts the server, unless one was adopted, and stays with it until it is over.
    pub(super) async fn generation(&mut self, life: &mut Option<Life>) -> Result<Over, Failure> {
        let adopted = life.is_some();
        let wants_notify = self.service.spec.ready_notify && !adopted;
        let notify = wants_notify.then(Notify::open).transpose().map_err(Failure::system("open the notify socket"))?;
        // what the last generation said is not about this one
        self.output.flush();
        let log_start = self.log.metadata().map_or(0, |found| found.len());
        let log = Lines::of((!adopted).then_some(&*self.log), log_start, self.service);
        if !adopted {
            match self.launch(life, notify.as_ref()) {
                Err(failure @ Failure::Launch(LaunchError::NotFound(_) | LaunchError::NotExecutable { .. })) => {
                    return Ok(Over::Hopeless(format!("could not be started: {}", message(&failure))));
                }
                result => result?,
            }
        }
        let Some(life) = life else { return Ok(Over::Finished) };
        if let Some(over) = self.come_up(life, adopted, log, notify.as_ref()).await? {
            return Ok(over);
        }
        self.record = self.record.with_identity(life.identity());
        self.record.phase = Phase::Ready;
        self.record.reason = None;
        self.write()?;
        self.stay(life).await
    }

    /// The record is written before the process becomes the server.
    fn launch(&mut self, life: &mut Option<Life>, notify: Option<&Notify>) -> Result<(), Failure> {
        let command = self.service.command(self.port);
        let environment = notify::environment(self.service.whole_environment(self.port), notify);
        let output = spawn::output(self.output.pipe());
        let launched = Launch { command: &command, cwd: &self.service.cwd, environment, input: None, output }.fork()?;
        self.record = self.record.with_identity(launched.identity());
        self.record.phase = Phase::Starting;
        self.record.log = Some(self.log.clone());
        self.write()?;
        *life = Some(Life::watch(launched.identity(), true).map_err(Failure::system("watch the server"))?);
        Ok(launched.go(command.first().map_or("".as_ref(), |program| program.as_os_str()))?)
    }

    /// Waits until it is ready; otherwise tells how it is over.
    async fn come_up(
        &mut self,
        life: &mut Life,
        adopted: bool,
        log: Lines,
        notify: Option<&Notify>,
    ) -> Result<Option<Over>, Failure> {
        let first = life.roots()[0];
        let race = Race {
            service: self.service,
            port: self.port,
            life: Some(life),
            log,
            notify,
            was_there: adopted,
            adopt_any: false,
            deadline: Clock::start(self.service.timeout()).deadline,
            held: false,
        };
        let mut race = pin!(race.run());
        let verdict = loop {
            select! {
                biased;
                _ = self.signals.next() => return Ok(Some(Over::Asked)),
                path = changed(self.reload.as_mut()) => return Ok(Some(Over::Changed(path))),
                verdict = &mut race => break verdict?,
                _ = self.children.recv() => life::reap_orphans_but(first),
            }
        };
        let crashed = |how| Some(Over::Crashed { how, healthy: Duration::ZERO });
        Ok(match verdict {
            Verdict::Ready(_) => None,
            Verdict::Ended { ending, .. } => Some(self.ended(ending, Duration::ZERO)),
            Verdict::Failed(why) => crashed(format!("failed: {why}")),
            Verdict::TooLate(what, _) => crashed(format!("was not ready in time: {what}")),
            Verdict::Interrupted(_) => Some(Over::Asked),
        })
    }

    /// Rests until something happens.
    async fn stay(&mut self, life: &mut Life) -> Result<Over, Failure> {
        let ready = Instant::now();
        // boxed: without liveness nothing of it is there
        let (service, port) = (self.service, self.port);
        let mut hangs: Pin<Box<dyn Future<Output = String>>> = match self.keep_up.liveness {
            Some(most) => Box::pin(liveness::unhealthy(service, port, most.get())),
            None => Box::pin(std::future::pending()),
        };
        memory::give_back();
        loop {
            if let Some(ending) = life.ended().map_err(Failure::system("watch the server"))? {
                return Ok(self.ended(ending, ready.elapsed()));
            }
            life::reap_orphans_but(life.roots()[0]);
            select! {
                biased;
                _ = self.signals.next() => return Ok(Over::Asked),
                path = changed(self.reload.as_mut()) => return Ok(Over::Changed(path)),
                () = life.change() => {}
                _ = self.children.recv() => {}
                how = &mut hangs => return Ok(Over::Crashed { how, healthy: ready.elapsed() }),
            }
        }
    }

    fn ended(&self, ending: Ending, healthy: Duration) -> Over {
        let how = ending.to_string();
        match ending {
            Ending::Exited(0) if self.keep_up.restart_on == RestartOn::Failure => Over::Finished,
            Ending::Exited(status) if NO_COMMAND.contains(&status) => Over::Hopeless(self.with_last_words(how)),
            _ => match self.address_in_use() {
                Some(line) => Over::Hopeless(format!("{how}: {line}")),
                None => Over::Crashed { how, healthy },
            },
        }
    }
}
