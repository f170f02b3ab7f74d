//! One generation of a supervised server: from its start to its end.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant},
};

use proc_tree::cli::text;
use tokio::select;

use super::{
    holders::Holders,
    idle, liveness, memory, memory_limit,
    next::Event,
    state::{Supervisor, retried},
};
use crate::{
    Clock, Doing, Failure, LaunchError, Observer, Phase, ReadyError, ServerProcesses, Waiting,
    log::patterns::LogPatterns,
    server::{
        evidence::{Evidence, Known},
        holding::Holding,
        judge::{Whose, judge},
        orphans,
        started::Started,
    },
    service::memory_limit::MemoryLimit,
    start::{
        notify::{self, Notify},
        race::{Race, RaceEnd},
        spawn::{self, Launch},
        starting,
    },
};

impl Supervisor<'_> {
    /// Starts the server, unless one was adopted, and stays with it until something happens.
    pub(super) async fn generation(&mut self, processes: &mut Option<ServerProcesses>) -> Result<Event, Failure> {
        let is_adopted = processes.is_some();
        let wants_notify = self.service.spec.ready_notify && !is_adopted;
        let notify = wants_notify.then(Notify::open).transpose().map_err(Failure::system("open the notify socket"))?;
        // what the last generation said is not about this one
        self.output.flush();
        let log_start = self.log.metadata().map_or(0, |found| found.len());
        let log = (!is_adopted).then(|| LogPatterns::of(&self.log, log_start, self.service));
        let processes = match processes {
            Some(adopted) => adopted,
            None => match self.launch(notify.as_ref()) {
                Err(failure @ Failure::Launch(LaunchError::NotFound(_) | LaunchError::NotExecutable { .. })) => {
                    return Ok(Event::NotExecutable(format!("could not be started: {}", text::failure(&failure))));
                }
                launched => processes.insert(launched?),
            },
        };
        let holdings = match self.come_up(processes, is_adopted, log, notify.as_ref()).await? {
            Ok(holdings) => holdings,
            Err(event) => return Ok(event),
        };
        let holders = self.found_ready(processes, &holdings)?;
        self.stay(processes, holders).await
    }

    /// Records the server as ready, with those that hold its port, and watches them.
    fn found_ready(&mut self, processes: &mut ServerProcesses, holdings: &[Holding]) -> Result<Holders, Failure> {
        let holders = Holders::watch(holdings).map_err(Failure::system("watch the server"))?;
        processes.led_by_one_of(&holders.identities());
        self.record = self.record.with_identity(processes.identity()).ready(holdings);
        self.record.reason =
            self.interruptions.changes.as_ref().and_then(|changes| changes.braked().map(str::to_owned));
        self.write();
        Ok(holders)
    }

    /// The record is written before the process becomes the server.
    fn launch(&mut self, notify: Option<&Notify>) -> Result<ServerProcesses, Failure> {
        if let Some(changes) = &mut self.interruptions.changes {
            changes.starts();
        }
        let command = self.service.command(self.port);
        let environment = notify::environment(self.service.whole_environment(self.port, self.folders), notify);
        let pump = self.output.clone();
        let output = spawn::output(pump.pipe());
        let launch = Launch { command: &command, cwd: &self.service.cwd, environment, input: None, output };
        starting::launch(&launch, |identity| {
            self.record = self.record.with_identity(identity);
            self.record.phase = Phase::Starting;
            self.record.log = Some(self.log.clone());
            self.write();
            Ok(())
        })
    }

    /// Waits until it is ready, and tells who holds its port then; otherwise what happened.
    async fn come_up(
        &mut self,
        processes: &mut ServerProcesses,
        is_adopted: bool,
        log: Option<LogPatterns>,
        notify: Option<&Notify>,
    ) -> Result<Result<Vec<Holding>, Event>, Failure> {
        let deadline = Clock::start(self.service.timeout()).deadline;
        let tell = |waiting: &Waiting| self.lock.say(Some(waiting));
        let race = Race::new(self.service, self.folders, self.port, deadline)
            .of(Some(processes))
            .told(self.waiting(Doing::Starting, None), Observer::new(&tell))
            .reading(log)
            .notified(notify);
        let race = if is_adopted { race } else { race.just_started() };
        // boxed: once it is over nothing of it is there
        let mut race = Box::pin(race.run());
        let end = loop {
            select! {
                biased;
                event = self.interruptions.next() => return Ok(Err(event)),
                end = &mut race => break end?,
            }
        };
        Ok(Err(match end {
            RaceEnd::Ready(holdings) => return Ok(Ok(holdings)),
            RaceEnd::Ended { end, .. } => self.ended(end, end.to_string(), Duration::ZERO),
            RaceEnd::Failed(why) => self.failed(format!("failed: {why}"), Duration::ZERO),
            RaceEnd::TooLate(what, _) => self.failed(format!("was not ready in time: {what}"), Duration::ZERO),
            RaceEnd::Interrupted(_) => Event::Asked,
        }))
    }

    /// Waits until something happens.
    async fn stay(&mut self, processes: &mut ServerProcesses, mut holders: Holders) -> Result<Event, Failure> {
        let ready = Instant::now();
        let failed = || Failure::system("watch the server");
        let (service, port) = (self.service, self.port);
        let supervision = &service.spec.supervision;
        let asked = &self.asked.here;
        let mut hangs =
            boxed(supervision.liveness.map(|most| liveness::unhealthy(service, port, most.get(), Rc::clone(asked))));
        let most = supervision.max_memory.and_then(MemoryLimit::bytes);
        let mut grows = boxed(most.map(|most| memory_limit::exceeded(most, processes.roots().to_vec())));
        let idle = supervision.idle_stop.zip(port);
        let mut unused = boxed(idle.map(|(limit, port)| idle::unused(port.number, limit, self.asked.clone())));
        memory::give_back();
        loop {
            if let Some(end) = processes.end().map_err(failed())? {
                holders.look(processes).map_err(failed())?;
                return Ok(self.ended(end, holders.words(end), ready.elapsed()));
            }
            let lost = holders.look(processes).map_err(failed())?;
            orphans::reap_but(&holders.and(processes));
            if lost {
                let holdings = self.holdings(processes)?;
                if !holdings.is_empty() {
                    holders = self.found_ready(processes, &holdings)?;
                } else if let Some(gone) = holders.gone_for_good() {
                    let free = port.map_or_else(String::new, |port| format!(" and port {port} stayed free"));
                    let how = format!("lost its server: {}{free}", gone.words());
                    return Ok(self.ended(gone.end, how, ready.elapsed()));
                }
            }
            select! {
                biased;
                event = self.interruptions.next() => return Ok(event),
                () = processes.changed() => {}
                () = holders.changed() => {}
                _ = self.children.recv() => {}
                () = retried(self.unwritten) => self.write(),
                how = &mut hangs => return Ok(self.failed(how, ready.elapsed())),
                how = &mut grows => return Ok(self.failed(how, ready.elapsed())),
                why = &mut unused => return Ok(Event::Unused(why)),
            }
        }
    }

    /// Finds who of the server holds its port now.
    fn holdings(&self, processes: &ServerProcesses) -> Result<Vec<Holding>, Failure> {
        let known = Known::of(Started::of(self.service, self.port), processes.roots());
        let evidence = Evidence::gather(self.port, vec![known]).map_err(ReadyError::from)?;
        Ok(match judge(&evidence, self.service) {
            Whose::Ours(holdings, _) => holdings,
            _ => Vec::new(),
        })
    }
}

/// What is not asked for never happens, and nothing of it is there.
fn boxed<'f>(future: Option<impl Future<Output = String> + 'f>) -> Pin<Box<dyn Future<Output = String> + 'f>> {
    match future {
        Some(future) => Box::pin(future),
        None => Box::pin(std::future::pending()),
    }
}
