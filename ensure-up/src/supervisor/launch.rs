//! Bringing a server up under supervision: its socket, its process, and the wait until it is ready.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use proc_tree::cli::text;
use tokio::{select, time};

use super::{
    held::{self, Held},
    next::Event,
    passing::Offer,
    state::Supervisor,
};
use crate::{
    Clock, Doing, Failure, Observer, ServerProcesses, ServerRecord, Waiting,
    log::patterns::LogPatterns,
    report::explanation::NOT_ACCEPTED,
    server::{environment, holding::Holding},
    start::{
        notify::{self, Notify},
        race::{Race, RaceEnd},
        spawn::{self, Launch},
        starting,
    },
};

/// How often it is looked whether a server accepts.
const ACCEPT: Duration = Duration::from_millis(5);

/// What there is to say of one that does not is said after so long.
const TOLD: Duration = Duration::from_millis(200);

impl Supervisor<'_> {
    /// Listens for the server, if that is asked for.
    pub(super) fn hold(&mut self) -> Result<(), Failure> {
        let Some(address) = self.service.spec.supervision.hold_socket else { return Ok(()) };
        let address: SocketAddr = (address.0, self.port.map_or(0, |port| port.number)).into();
        let held = match self.held.take() {
            Some(held) => held.listen().map(|()| held),
            None => Held::open(address).map(Arc::new),
        };
        self.keep(held.map_err(|error| Failure::Listen { address, why: text::os_error(&error) })?);
        Ok(())
    }

    /// Holds this socket from now on, for the server and for the next supervisor.
    pub(super) fn keep(&mut self, held: Arc<Held>) {
        self.offer = self.offer.take().or_else(|| Offer::begin().ok());
        if let Some(offer) = &self.offer {
            offer.give(&held);
        }
        self.held = Some(held);
    }

    /// The record is written before the process becomes the server.
    pub(super) fn launch(&mut self, notify: Option<&Notify>) -> Result<ServerProcesses, Failure> {
        if let Some(changes) = &mut self.interruptions.changes {
            changes.starts();
        }
        let command = self.service.command(self.port);
        let environment = notify::environment(environment::whole(self.service, self.port, self.state_folder), notify);
        let held = self.held.clone();
        let socket = held.as_deref().map(Held::socket);
        let environment =
            if socket.is_some() { held::environment(environment, &self.record.name) } else { environment };
        let pump = self.output.clone();
        let output = spawn::output(pump.pipe());
        let launch = Launch { command: &command, cwd: &self.service.cwd, environment, input: None, socket, output };
        starting::launch(&launch, |identity| {
            let log = Some(self.log.clone());
            self.record = ServerRecord { log, ..self.record.with_identity(identity).starting_again() };
            self.write();
            Ok(())
        })
    }

    /// Waits until it is ready, and tells who holds its port then; otherwise what happened.
    pub(super) async fn come_up(
        &mut self,
        processes: &mut ServerProcesses,
        is_adopted: bool,
        log: Option<LogPatterns>,
        notify: Option<&Notify>,
    ) -> Result<Result<Vec<Holding>, Event>, Failure> {
        let deadline = Clock::start(self.service.timeout()).deadline;
        let tell = |waiting: &Waiting| self.lock.say(Some(waiting));
        let record = self.record.clone();
        let race = Race::new(self.service, self.state_folder, self.port, deadline)
            .of(Some(processes))
            .recorded(Some(&record).filter(|_| is_adopted))
            .told(self.waiting(Doing::Starting, None), Observer::new(&tell))
            .reading(log)
            .notified(notify);
        let race = if is_adopted { race } else { race.just_started() };
        // boxed: once it is over nothing of it is there
        let mut race = Box::pin(race.run());
        let end = select! {
            biased;
            event = self.interruptions.next() => return Ok(Err(event)),
            end = &mut race => end?,
        };
        drop(race);
        Ok(Err(match end {
            RaceEnd::Ready(holdings) if self.held.is_none() => return Ok(Ok(holdings)),
            // one that accepts may have been started since it was seen who has the socket
            RaceEnd::Ready(_) => match self.accepts(processes, deadline).await? {
                Ok(()) => return Ok(Ok(self.holdings(processes)?)),
                Err(event) => event,
            },
            RaceEnd::Ended { end, .. } => self.ended(end, end.to_string(), Duration::ZERO),
            RaceEnd::Failed(why) => self.failed(format!("failed: {why}"), Duration::ZERO),
            RaceEnd::TooLate(what, _) => self.failed(format!("was not ready in time: {what}"), Duration::ZERO),
            RaceEnd::Interrupted(_) => Event::Asked,
        }))
    }

    /// Waits until somebody accepts on a socket that is held: the kernel lets connections in before. An answer has told that
    /// already.
    async fn accepts(
        &mut self,
        processes: &mut ServerProcesses,
        deadline: Option<Instant>,
    ) -> Result<Result<(), Event>, Failure> {
        let (mut before, began) = (0, Instant::now());
        while let Some(held) = self.held.as_ref().filter(|_| self.service.spec.health.is_empty()) {
            let queue = held.queue();
            if queue == 0 || queue < before {
                break;
            }
            before = queue;
            if let Some(end) = processes.end().map_err(Failure::system("watch the server"))? {
                return Ok(Err(self.ended(end, end.to_string(), Duration::ZERO)));
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(Err(self.failed(format!("was not ready in time: it {NOT_ACCEPTED}"), Duration::ZERO)));
            }
            if began.elapsed() > TOLD && self.record.reason.is_none() {
                self.record.reason = Some(NOT_ACCEPTED.into());
                self.write();
            }
            select! {
                biased;
                event = self.interruptions.next() => return Ok(Err(event)),
                () = processes.changed() => {}
                () = time::sleep(ACCEPT) => {}
            }
        }
        Ok(Ok(()))
    }
}
