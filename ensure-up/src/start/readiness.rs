//! Whether a server is ready: one look at everything that tells, the cheapest first.

use std::time::{Duration, Instant};

use proc_tree::{Facts, cli::duration};
use tokio::select;

use crate::{
    Port, ReadyError, ServerProcesses, ServerRecord, Service, StateFolder,
    event::or_never,
    health::{Asked, Prober},
    log::patterns::LogPatterns,
    report::explanation::NOT_ACCEPTED,
    server::{end::End, holding::Holding, judge::Whose, port as listening},
    service::target::Site,
    start::{holders::Holders, notify::Notify},
};

/// What one look found.
pub(crate) enum Round {
    /// It is ready.
    Ready(Vec<Holding>),
    /// It ended.
    Ended { end: End, held: bool },
    /// It said that it failed.
    Failed(String),
    /// It is not ready yet; says why, and who else holds the port.
    Missing { what: String, foreign: Vec<Holding> },
}

/// A server, and what is kept of it from look to look.
#[derive(Debug)]
pub(crate) struct Readiness<'r> {
    pub(super) service: &'r Service,
    port: Option<Port>,
    pub(super) holders: Holders<'r>,
    /// The server's processes; `None` for one that is only known by its port.
    pub(super) processes: Option<&'r mut ServerProcesses>,
    /// What it says in its log, if that matters.
    pub(super) log: Option<LogPatterns>,
    /// Where it says that it is ready, if it is to say so.
    pub(super) notify: Option<&'r Notify>,
    /// What is recorded of it, if it was ready before.
    pub(super) record: Option<&'r ServerRecord>,
    /// Whether it has held the port so far.
    held: bool,
    prober: Prober,
    first_ask: Instant,
    /// What its last answer lacks.
    answer: Option<String>,
    /// Where it listens instead, and when that was looked at last.
    instead: (Instant, Option<String>),
}

/// How often is looked where a server listens instead: that costs more than to look at its port.
const INSTEAD: Duration = Duration::from_millis(500);

/// What ends at once was no server: a worker of which nothing else says that it is ready has to live for so long. What cannot
/// be found, imported or reached has ended by then, on a loaded machine too; it is what supervisord(1) takes (`startsecs`).
const SETTLE: Duration = Duration::from_secs(1);

impl<'r> Readiness<'r> {
    pub(super) fn of(service: &'r Service, state_folder: &'r StateFolder, port: Option<Port>) -> Self {
        Self {
            service,
            port,
            holders: Holders::of(service, state_folder, port),
            processes: None,
            log: None,
            notify: None,
            record: None,
            held: false,
            prober: Prober::new(&service.spec.probe),
            first_ask: Instant::now() + service.spec.probe.initial_delay,
            answer: None,
            instead: (Instant::now(), None),
        }
    }

    /// Tells whether it was asked so far.
    pub(super) fn has_asked(&self) -> bool {
        self.prober.has_asked()
    }

    /// Says what its last answer lacks, also while that is on its way.
    pub(super) fn answer(&self) -> Option<String> {
        self.prober.why().or_else(|| self.answer.clone())
    }

    /// Tells whether its log has more to read already.
    pub(super) fn has_more_to_read(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.has_more)
    }

    /// Looks at everything once.
    pub(super) async fn look(&mut self) -> Result<Round, ReadyError> {
        // whether it ended first: what a server says last, it says before it ends
        let end = self.end()?;
        if let Some(log) = &mut self.log {
            log.read();
        }
        if let Some(failed) = self.failed() {
            return Ok(failed);
        }
        if end.is_some() && self.has_more_to_read() {
            return Ok(missing("its log is not read to its end yet"));
        }
        if let Some(end) = end {
            return Ok(Round::Ended { end, held: self.held });
        }
        let ours = match self.holders.look(self.processes.as_deref())? {
            Whose::Nobody => return Ok(missing(&self.nothing_yet())),
            // what only its answer can tell, it will tell when it is asked
            Whose::Foreign(foreign, _) if self.holders.may_answer(&foreign) => foreign,
            Whose::Another(foreign, _) | Whose::Foreign(foreign, _) => {
                return Ok(Round::Missing { what: "another program holds the port".into(), foreign });
            }
            Whose::Ours(holdings, _) | Whose::Matching(holdings, _) => holdings,
        };
        self.held = true;
        if self.service.spec.once {
            return Ok(missing("it has not ended yet"));
        }
        if self.may_end_yet(&ours) {
            return Ok(missing("it has just begun to run"));
        }
        if self.log.as_ref().is_some_and(|log| !log.is_ready()) {
            return Ok(missing("its log does not say that it is ready"));
        }
        if self.notify.is_some_and(|notify| !notify.is_ready()) {
            return Ok(missing("it has not sent READY=1"));
        }
        if Instant::now() < self.first_ask {
            return Ok(missing("it is not to be asked yet"));
        }
        let round = self.ask(&ours).await?;
        if let (Round::Ready(_), Some(log)) = (&round, &mut self.log) {
            // what it said before it answered
            log.read_all().await;
        }
        Ok(self.failed().unwrap_or(round))
    }

    /// Tells whether its log says that it failed.
    fn failed(&self) -> Option<Round> {
        let line = self.log.as_ref()?.failed()?;
        Some(Round::Failed(format!("its log says {line:?}")))
    }

    /// Tells whether nothing but that it lives says that it is ready, and it has not lived for long.
    fn may_end_yet(&self, ours: &[Holding]) -> bool {
        let says_more =
            !self.service.spec.health.is_empty() || self.service.spec.ready_log.is_some() || self.notify.is_some();
        let is_new = |process: &Facts| process.uptime() < SETTLE;
        self.port.is_none() && !says_more && Holding::processes(ours).any(is_new)
    }

    fn nothing_yet(&mut self) -> String {
        let Some(port) = self.port else { return "it does not run yet".into() };
        let is_held = || listening::sockets(port).is_ok_and(|found| !found.is_empty());
        if self.service.spec.supervision.hold_socket.is_some() && is_held() {
            return format!("it {NOT_ACCEPTED}");
        }
        if self.instead.0.elapsed() >= INSTEAD {
            self.instead = (Instant::now(), self.elsewhere(port));
        }
        let nothing = if port.is_udp() { "nothing is bound to the port yet" } else { "nothing listens yet" };
        self.instead.1.clone().unwrap_or_else(|| nothing.into())
    }

    /// Says where the server listens instead.
    fn elsewhere(&self, port: Port) -> Option<String> {
        let ports = listening::held_by(self.processes.as_ref()?.roots(), port.protocol).ok()?;
        let does = if port.is_udp() { "is bound to" } else { "listens on" };
        let many = if ports.len() == 1 { "port" } else { "ports" };
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        (!ports.is_empty()).then(|| format!("it {does} {many} {} instead", ports.join(", ")))
    }

    fn end(&mut self) -> Result<Option<End>, ReadyError> {
        self.processes.as_mut().map_or(Ok(None), |processes| processes.end_of_start()).map_err(ReadyError::Watch)
    }

    /// Asks for health, and then once more whose port it is: the answer may have been somebody else's.
    async fn ask(&mut self, ours: &[Holding]) -> Result<Round, ReadyError> {
        let health = self.service.health(self.port);
        let site = Site::of(&health, &self.service.id.folder, self.port, ours, &self.service.spec.command);
        if self.port.is_some() && site.listener.is_none() {
            return Ok(missing(&self.nothing_yet()));
        }
        let deserted = self.record.and_then(|record| record.deserted(ours));
        let question = site.left(deserted).question()?;
        let asked = select! {
            asked = self.prober.ask(&question) => asked?,
            // the next round says how it ended
            () = or_never(self.processes.as_deref().map(ServerProcesses::changed)) => Asked::Not("it ended meanwhile".into()),
        };
        let what = match asked {
            Asked::Healthy if self.prober.in_a_row < self.service.spec.probe.consecutive => {
                format!("healthy {} times in a row so far", self.prober.in_a_row)
            }
            Asked::Healthy if self.prober.healthy_for() < self.service.spec.probe.stable => {
                format!("healthy, not yet for {}", duration::asked(self.service.spec.probe.stable))
            }
            Asked::Healthy => return self.confirm(),
            Asked::Not(what) => what,
            Asked::Failed(why) => return Ok(Round::Failed(why)),
        };
        self.answer = Some(what.clone());
        Ok(missing(&what))
    }

    fn confirm(&mut self) -> Result<Round, ReadyError> {
        if let Some(end) = self.end()? {
            return Ok(Round::Ended { end, held: self.held });
        }
        Ok(match self.holders.judge(self.processes.as_deref())? {
            Whose::Ours(holdings, _) | Whose::Matching(holdings, _) => Round::Ready(holdings),
            Whose::Foreign(holdings, _) if self.holders.may_answer(&holdings) => Round::Ready(holdings),
            other => Round::Missing { what: "another program answers".into(), foreign: other.holdings().to_vec() },
        })
    }
}

fn missing(what: &str) -> Round {
    Round::Missing { what: what.into(), foreign: Vec::new() }
}
