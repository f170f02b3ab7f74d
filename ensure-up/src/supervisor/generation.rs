//! One generation of a supervised server: from its start to its end.

use std::{
    future::Future,
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant},
};

use proc_tree::{
    Identity,
    cli::{memory_limit::MemoryLimit, text},
};
use tokio::{
    select,
    time::{self, MissedTickBehavior},
};

use super::{
    holders::{Holders, Left},
    idle, liveness, memory, memory_limit,
    next::Event,
    said::MARK,
    state::{Supervisor, retried},
};
use crate::{
    Failure, LaunchError, ReadyError, ServerProcesses,
    log::patterns::LogPatterns,
    server::{
        acceptors,
        connection::Connections,
        evidence::{Evidence, Known},
        holding::Holding,
        judge::{Whose, judge},
        orphans, port as listening,
        started::Started,
    },
    start::notify::Notify,
};

/// How often the port is looked at: a small part of a millisecond each time.
const LOOK: Duration = Duration::from_secs(5);

impl Supervisor<'_> {
    /// Starts the server, unless one was adopted, and stays with it until something happens.
    pub(super) async fn generation(&mut self, processes: &mut Option<ServerProcesses>) -> Result<Event, Failure> {
        let is_adopted = processes.is_some();
        // one that was ready once need not say so again
        let was_ready = is_adopted && self.record.was_ready();
        if is_adopted && !was_ready && self.service.spec.ready_notify {
            return Ok(self.failed("may have said that it is ready while nobody listened".into(), Duration::ZERO));
        }
        let wants_notify = self.service.spec.ready_notify && !is_adopted;
        let notify = wants_notify.then(Notify::open).transpose().map_err(Failure::system("open the notify socket"))?;
        let log = match (is_adopted, was_ready) {
            (false, _) => Some(LogPatterns::passing(&self.output, self.service)),
            (true, false) => Some(LogPatterns::behind(MARK, &self.log, self.service)),
            (true, true) => None,
        };
        let processes = match processes {
            Some(adopted) => adopted,
            None => match self.hold().and_then(|()| self.launch(notify.as_ref())) {
                Err(
                    failure @ (Failure::Listen { .. }
                    | Failure::Launch(LaunchError::NotFound(_) | LaunchError::NotExecutable { .. })),
                ) => {
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
        let told = self.acceptors(holdings);
        self.watch(processes, holdings, told)
    }

    fn acceptors(&self, holdings: &[Holding]) -> Option<Vec<Identity>> {
        acceptors::told(holdings, |made| self.count_own(made))
    }

    /// Connections of ours are no use of the server: `--idle-stop` does not count them.
    fn count_own(&self, connections: usize) {
        self.asked.here.set(self.asked.here.get() + connections as u64);
    }

    fn watch(
        &mut self,
        processes: &mut ServerProcesses,
        holdings: &[Holding],
        acceptors: Option<Vec<Identity>>,
    ) -> Result<Holders, Failure> {
        processes.led_by_one_of(&Holding::identities(holdings));
        let holders = Holders::watch(holdings, acceptors).map_err(Failure::system("watch the server"))?;
        self.record = self.record.with_identity(processes.identity()).ready(holdings, holders.acceptors().to_vec());
        let braked = self.interruptions.changes.as_ref().and_then(|changes| changes.braked().map(str::to_owned));
        self.record.reason = braked.or_else(|| self.restarted.clone());
        self.write();
        Ok(holders)
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
        let mut look = time::interval(LOOK);
        // once, however long this process was halted
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut own = None;
        memory::give_back();
        loop {
            if let Some(end) = processes.end().map_err(failed())? {
                let end = holders.end_behind(end, processes).map_err(failed())?;
                return Ok(self.ended(end, holders.words(end), ready.elapsed()));
            }
            let mut left = holders.look(processes).map_err(failed())?;
            orphans::reap_but(&holders.and(processes));
            if left != Left::Server {
                let holdings = self.holdings(processes)?;
                let are_watchers = holders.is_left_by_all(&Holding::identities(&holdings));
                if !holdings.is_empty() && (!are_watchers || self.is_served(&holdings, &mut own)) {
                    (holders, own, left) = (self.found_ready(processes, &holdings)?, None, Left::Server);
                } else if let Some(gone) = holders.gone_for_good() {
                    let since = match (holdings.is_empty(), &self.held) {
                        (true, None) => "stayed free",
                        (true, Some(_)) => "is listened on by its supervisor alone",
                        (false, _) => "is listened on by nobody who accepts",
                    };
                    let since = port.map_or_else(String::new, |port| format!(" and port {port} {since}"));
                    let how = format!("lost its server: {}{since}", gone.words());
                    return Ok(self.ended(gone.end, how, ready.elapsed()));
                }
            } else if processes.identity() != self.record.identity() {
                // what was started has ended by now, and what it leaves behind is the server
                let holdings = self.holdings(processes)?;
                if !holdings.is_empty() {
                    (holders, own) = (self.found_ready(processes, &holdings)?, None);
                }
            }
            let looks = left == Left::Server && port.is_some();
            select! {
                biased;
                event = self.interruptions.next() => return Ok(event),
                () = processes.changed() => {}
                () = holders.changed() => {}
                _ = self.children.recv() => {}
                _ = look.tick(), if looks => {
                    self.look_at_port(&mut holders);
                    self.look_who_accepts(processes, &mut holders)?;
                    memory::give_back();
                }
                () = retried(self.unwritten) => self.write(),
                how = &mut hangs => return Ok(self.failed(how, ready.elapsed())),
                how = &mut grows => return Ok(self.failed(how, ready.elapsed())),
                why = &mut unused => return Ok(Event::Unused(why)),
            }
        }
    }

    /// Looks whether somebody listens: that a process closes its socket and lives on is no event. One that is held here
    /// listens without them.
    fn look_at_port(&self, holders: &mut Holders) {
        // what cannot be looked at may be there
        let Some(Ok(sockets)) = self.port.map(listening::sockets) else { return };
        if sockets.is_empty() || (self.held.is_some() && !holders.have(&sockets)) {
            holders.left_the_port();
        }
    }

    /// Looks again who holds the port and who of them accepts, where there are others or that could not be told.
    fn look_who_accepts(&mut self, processes: &mut ServerProcesses, holders: &mut Holders) -> Result<(), Failure> {
        if !holders.are_due() {
            return Ok(());
        }
        let holdings = self.holdings(processes)?;
        if !holders.are_told(&Holding::identities(&holdings))
            && let Some(told) = self.acceptors(&holdings).filter(|told| !told.is_empty())
        {
            *holders = self.watch(processes, &holdings, Some(told))?.after(holders);
        }
        Ok(())
    }

    /// Tells whether those who are left of the holders accept themselves: that needs somebody who connects.
    fn is_served(&self, holdings: &[Holding], own: &mut Option<Connections>) -> bool {
        let address = self.port.filter(|port| !port.is_udp()).and(listening::listener(holdings));
        let Some(address) = address else { return true };
        if own.as_ref().is_none_or(|own| own.count() == 0) {
            let made = own.insert(Connections::open(address));
            self.count_own(made.count());
        }
        own.as_ref().is_none_or(Connections::are_served)
    }

    /// Finds who of the server holds its port now.
    pub(super) fn holdings(&self, processes: &ServerProcesses) -> Result<Vec<Holding>, Failure> {
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
