//! One generation of a supervised server: from its start to its end.

use std::time::{Duration, Instant};

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    time::{self, MissedTickBehavior},
};

use super::{Over, RestartOn, Supervisor, changed};
use crate::{
    Asked, Clock, Ending, Failure, Life, Phase, Race, ReadyError, Verdict,
    health::Prober,
    launch::{self, Launch, LaunchError},
    log,
    notify::{self, Notify},
    service, standing,
};

/// How often a server is probed for liveness, unless an interval was asked for.
const PROBE: Duration = Duration::from_secs(1);

impl Supervisor<'_> {
    /// Starts the server, unless one was adopted, and stays with it until it is over.
    pub(super) async fn generation(&mut self, life: &mut Option<Life>) -> Result<Over, Failure> {
        let adopted = life.is_some();
        let wants_notify = self.service.ready_notify && !adopted;
        let notify = wants_notify.then(Notify::open).transpose().map_err(Failure::system("open the notify socket"))?;
        if !adopted {
            match self.launch(notify.as_ref()) {
                Ok(started) => *life = Some(started),
                Err(Failure::Launch(LaunchError::Process(source))) => {
                    return Err(Failure::Launch(LaunchError::Process(source)));
                }
                Err(Failure::Launch(error)) => {
                    return Ok(Over::Hopeless(proc_tree::command_line::failure([
                        &error as &(dyn std::error::Error + 'static)
                    ])));
                }
                Err(failure) => return Err(failure),
            }
        }
        let Some(life) = life else { return Ok(Over::Finished) };
        if let Some(over) = self.come_up(life, adopted, notify.as_ref()).await? {
            return Ok(over);
        }
        self.record = self.record.with_identity(life.identity());
        self.record.phase = Phase::Ready;
        self.record.reason = None;
        self.write()?;
        self.stay(life).await
    }

    fn launch(&mut self, notify: Option<&Notify>) -> Result<Life, Failure> {
        let command = self.service.command(self.port);
        let environment = notify::environment(self.service.whole_environment(self.port), notify);
        let launch =
            Launch { command: &command, cwd: &self.service.cwd, environment, output: launch::output(&self.pipe) };
        let launched = launch.fork()?;
        self.record = self.record.with_identity(launched.identity());
        self.record.phase = Phase::Starting;
        self.write()?;
        let life = Life::watch(launched.identity(), true).map_err(Failure::system("watch the server"))?;
        launched.go(command.first().map_or("".as_ref(), |program| program.as_os_str()))?;
        Ok(life)
    }

    /// Waits until it is ready; otherwise tells how it is over.
    async fn come_up(
        &mut self,
        life: &mut Life,
        adopted: bool,
        notify: Option<&Notify>,
    ) -> Result<Option<Over>, Failure> {
        let log = self.record.log.clone();
        let clock = Clock::start(self.service.timeout);
        let race = Race {
            service: self.service,
            port: self.port,
            life: Some(life),
            log: log.as_deref().filter(|_| !adopted),
            log_start: log.as_ref().and_then(|path| path.metadata().ok()).map_or(0, |found| found.len()),
            notify,
            was_there: adopted,
            adopt_any: false,
            deadline: clock.deadline,
            held: false,
        };
        let verdict = select! {
            verdict = race.run() => verdict?,
            path = changed(self.reload.as_mut()) => return Ok(Some(Over::Changed(path))),
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
        let mut orphans = signal(SignalKind::child()).map_err(Failure::system("catch signals"))?;
        let mut rounds = time::interval(self.service.settings.interval.unwrap_or(PROBE));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut prober = Prober::new(&self.service.settings);
        let mut failed = 0;
        loop {
            select! {
                () = life.change() => {}
                _ = orphans.recv() => reap_orphans(life),
                path = changed(self.reload.as_mut()) => return Ok(Over::Changed(path)),
                _ = self.signals.next() => return Ok(Over::Asked),
                _ = rounds.tick(), if self.keep_up.liveness.is_some() => {
                    let why = self.probe(life, &mut prober).await?;
                    failed = if why.is_some() { failed + 1 } else { 0 };
                    if let Some(why) = why.filter(|_| Some(failed) >= self.keep_up.liveness) {
                        let how = format!("was unhealthy {failed} times in a row: {why}");
                        return Ok(Over::Crashed { how, healthy: ready.elapsed() });
                    }
                }
            }
            if let Some(ending) = life.ended().map_err(Failure::system("watch the server"))? {
                return Ok(self.ended(ending, ready.elapsed()));
            }
        }
    }

    /// Tells why it is not healthy now.
    async fn probe(&self, life: &Life, prober: &mut Prober) -> Result<Option<String>, Failure> {
        let holdings = standing::look(self.port).map_err(ReadyError::from)?.holdings;
        let standing = standing::classify(holdings, self.port, self.service, life.roots(), true);
        let Some(listener) = standing::listener(standing.holdings()) else {
            return Ok(Some("nothing listens on the port".into()));
        };
        let health = self.service.health(self.port);
        let target = service::target(health.as_deref(), listener).map_err(ReadyError::from)?;
        Ok(match prober.ask(&target).await.map_err(ReadyError::from)? {
            Asked::Healthy => None,
            Asked::Not(why) | Asked::Failed(why) => Some(why),
        })
    }

    fn ended(&self, ending: Ending, healthy: Duration) -> Over {
        if ending == Ending::Exited(0) && self.keep_up.restart_on == RestartOn::Failure {
            return Over::Finished;
        }
        let how = ending.to_string();
        if let Some(line) = self.address_in_use() {
            return Over::Hopeless(format!("{how}: {line}"));
        }
        Over::Crashed { how, healthy }
    }

    /// A port that is taken stays so, however often the server is started.
    fn address_in_use(&self) -> Option<String> {
        let lines = self.record.log.as_ref().map(|path| log::tail(path, log::TAIL_LINES)).unwrap_or_default();
        let is_it = |line: &&String| {
            let line = line.to_lowercase();
            line.contains("address already in use") || line.contains("eaddrinuse")
        };
        // what an earlier generation said is over: it stands before the last thing that was said here
        let since = lines.iter().rposition(|line| line.starts_with("ensure-up: ")).map_or(0, |last| last + 1);
        lines[since..].iter().rfind(is_it).map(|line| line.trim().to_owned())
    }
}

/// Reaps the orphans that came to this process as their sub-reaper; the server's own processes are [`Life`]'s to reap.
fn reap_orphans(life: &Life) {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while let Ok(status) = waitid(Id::All, peek) {
        let Some(pid) = status.pid().filter(|_| status != WaitStatus::StillAlive) else { return };
        if life.roots().iter().any(|root| i32::try_from(root.pid) == Ok(pid.as_raw())) {
            return;
        }
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
    }
}
