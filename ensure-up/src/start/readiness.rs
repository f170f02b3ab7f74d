//! Whether a server is ready: one look at everything that tells, the cheapest first.

use std::time::{Duration, Instant};

use port_who::Socket;
use proc_tree::{Facts, Identity, cli::duration};
use tokio::select;

use crate::{
    Folders, Port, ReadyError, ServerProcesses, ServerRecord, Service,
    event::or_never,
    health::{Asked, Prober},
    log::patterns::LogPatterns,
    server::{
        end::End,
        evidence::{Evidence, Known},
        holding::Holding,
        judge::{Whose, judge},
        port as listening,
        started::Started,
    },
    service::target::Site,
    start::notify::Notify,
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
    folders: &'r Folders,
    port: Option<Port>,
    /// The server's processes; `None` for one that is only known by its port.
    pub(super) processes: Option<&'r mut ServerProcesses>,
    /// What it says in its log, if that matters.
    pub(super) log: Option<LogPatterns>,
    /// Where it says that it is ready, if it is to say so.
    pub(super) notify: Option<&'r Notify>,
    /// Whether it was there before: then its command line tells whose it is.
    pub(super) was_there: bool,
    /// What is recorded of it, if it was ready before.
    pub(super) record: Option<&'r ServerRecord>,
    /// Whether whatever holds the port will do.
    pub(super) takes_any: bool,
    /// Whether it has held the port so far.
    held: bool,
    prober: Prober,
    first_ask: Instant,
    /// The last answer, once it was asked.
    answer: Option<String>,
    seen: Option<Seen>,
}

/// Whose the port was, and what that was told from. The socket table is cheap to read; all processes are not.
#[derive(Debug)]
struct Seen {
    sockets: Vec<Socket>,
    roots: Vec<Identity>,
    whose: Whose,
    at: Instant,
}

/// What ends at once was no server: a worker of which nothing else says that it is ready has to live for so long. What cannot
/// be found, imported or reached has ended by then, on a loaded machine too; it is what supervisord(1) takes (`startsecs`).
const SETTLE: Duration = Duration::from_secs(1);

/// How long somebody else's socket is taken to be that.
const SECOND_LOOK: Duration = Duration::from_millis(100);

impl Seen {
    /// The same socket stays ours. Somebody else's may turn out to be ours: a daemon that loses its parent, or a process
    /// that ended while it was looked for.
    fn holds_for(&self, sockets: &[Socket], roots: &[Identity]) -> bool {
        let is_ours = matches!(self.whose, Whose::Ours(..) | Whose::Matching(..));
        self.sockets == sockets && self.roots == roots && (is_ours || self.at.elapsed() < SECOND_LOOK)
    }
}

impl<'r> Readiness<'r> {
    pub(super) fn of(service: &'r Service, folders: &'r Folders, port: Option<Port>) -> Self {
        Self {
            service,
            folders,
            port,
            processes: None,
            log: None,
            notify: None,
            was_there: true,
            record: None,
            takes_any: false,
            held: false,
            prober: Prober::new(&service.spec.probe),
            first_ask: Instant::now() + service.spec.probe.initial_delay,
            answer: None,
            seen: None,
        }
    }

    /// Returns its last answer, once it was asked.
    pub(super) fn answer(&self) -> Option<String> {
        self.answer.clone()
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
            if let Some(line) = log.failed.take() {
                return Ok(Round::Failed(format!("its log says {line:?}")));
            }
        }
        if end.is_some() && self.has_more_to_read() {
            return Ok(missing("its log is not read to its end yet"));
        }
        if let Some(end) = end {
            return Ok(Round::Ended { end, held: self.held });
        }
        let ours = match self.whose_sockets()? {
            Whose::Nobody => return Ok(missing(self.nothing_yet())),
            // what only its answer can tell, it will tell when it is asked
            Whose::Foreign(foreign, _) if self.may_answer(&foreign) => foreign,
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
        if self.log.as_ref().is_some_and(|log| !log.ready) {
            return Ok(missing("its log does not say that it is ready"));
        }
        if self.notify.is_some_and(|notify| !notify.is_ready()) {
            return Ok(missing("it has not sent READY=1"));
        }
        if Instant::now() < self.first_ask {
            return Ok(missing("it is not to be asked yet"));
        }
        self.ask(&ours).await
    }

    /// Tells whether a holder that is not known as ours may be known by its answer. Beside a server that was just started
    /// that is only one whose owner is not visible: a container's, or that of a server that changed its user.
    fn may_answer(&self, holdings: &[Holding]) -> bool {
        let is_visible = |holding: &Holding| holding.process.is_some();
        self.service.is_known_by_answer() && (self.was_there || !holdings.iter().any(is_visible))
    }

    fn whose_sockets(&mut self) -> Result<Whose, ReadyError> {
        let Some(port) = self.port else { return Ok(self.living()) };
        let sockets = listening::sockets(port)?;
        if sockets.is_empty() {
            return Ok(Whose::Nobody);
        }
        if let Some(seen) = self.seen.as_ref().filter(|seen| seen.holds_for(&sockets, self.roots())) {
            return Ok(seen.whose.clone());
        }
        let whose = self.whose()?;
        let (roots, at) = (self.roots().to_vec(), Instant::now());
        self.seen = Some(Seen { sockets, roots, whose: whose.clone(), at });
        Ok(whose)
    }

    /// A server without a port is its processes.
    fn living(&self) -> Whose {
        let identity = self.processes.as_ref().map(|processes| processes.identity());
        let running = identity.and_then(Holding::of_running);
        running.map_or(Whose::Nobody, |running| Whose::Ours(vec![running], Vec::new()))
    }

    /// Tells whether nothing but that it lives says that it is ready, and it has not lived for long.
    fn may_end_yet(&self, ours: &[Holding]) -> bool {
        let says_more =
            self.service.spec.health.is_some() || self.service.spec.ready_log.is_some() || self.notify.is_some();
        let is_new = |process: &Facts| process.uptime() < SETTLE;
        self.port.is_none() && !says_more && ours.iter().filter_map(|one| one.process.as_ref()).any(is_new)
    }

    fn whose(&self) -> Result<Whose, ReadyError> {
        if self.port.is_none() {
            return Ok(self.living());
        }
        let started = Started::of(self.service, self.port);
        let evidence = Evidence::gather(self.port, vec![Known::of(started, self.roots())])?;
        let evidence = if self.was_there { evidence.compared(self.folders, self.service) } else { evidence };
        let evidence = Evidence { was_there: self.was_there, ..evidence };
        let whose = judge(&evidence, self.service);
        Ok(if self.takes_any { whose.or_any() } else { whose })
    }

    fn nothing_yet(&self) -> &'static str {
        match self.port {
            Some(port) if port.is_udp() => "nothing is bound to the port yet",
            Some(_) => "nothing listens yet",
            None => "it does not run yet",
        }
    }

    fn roots(&self) -> &[Identity] {
        self.processes.as_ref().map_or(&[], |processes| processes.roots())
    }

    fn end(&mut self) -> Result<Option<End>, ReadyError> {
        self.processes.as_mut().map_or(Ok(None), |processes| processes.end()).map_err(ReadyError::Watch)
    }

    /// Asks for health, and then once more whose port it is: the answer may have been somebody else's.
    async fn ask(&mut self, ours: &[Holding]) -> Result<Round, ReadyError> {
        let health = self.service.health(self.port);
        let site = Site::of(health.as_deref(), self.port, ours, &self.service.spec.command);
        if self.port.is_some() && site.listener.is_none() {
            return Ok(missing(self.nothing_yet()));
        }
        let deserted = self.record.and_then(|record| record.deserted(ours));
        let question = site.left(deserted).question()?;
        self.answer.get_or_insert_with(|| "no answer".into());
        let asked = select! {
                        asked = self.prober.ask(&question) => asked?,
            // the next round says how it ended
            () = or_never(self.processes.as_deref().map(ServerProcesses::changed)) => Asked::Not("it ended meanwhile".into()),
        };
        Ok(match asked {
            Asked::Healthy if self.prober.in_a_row < self.service.spec.probe.consecutive => {
                missing(&format!("healthy {} times in a row so far", self.prober.in_a_row))
            }
            Asked::Healthy if self.prober.healthy_for() < self.service.spec.probe.stable => {
                let stable = duration::uptime(self.service.spec.probe.stable);
                missing(&format!("healthy, not yet for {stable}"))
            }
            Asked::Healthy => self.confirm()?,
            Asked::Not(what) => {
                self.answer = Some(what.clone());
                missing(&what)
            }
            Asked::Failed(why) => Round::Failed(why),
        })
    }

    fn confirm(&mut self) -> Result<Round, ReadyError> {
        if let Some(end) = self.end()? {
            return Ok(Round::Ended { end, held: self.held });
        }
        Ok(match self.whose()? {
            Whose::Ours(holdings, _) | Whose::Matching(holdings, _) => Round::Ready(holdings),
            Whose::Foreign(holdings, _) if self.may_answer(&holdings) => Round::Ready(holdings),
            other => Round::Missing { what: "another program answers".into(), foreign: other.holdings().to_vec() },
        })
    }
}

fn missing(what: &str) -> Round {
    Round::Missing { what: what.into(), foreign: Vec::new() }
}
