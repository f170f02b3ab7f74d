//! Up, and exactly once: reuse it, wait for it, adopt it, or start it.

use std::path::PathBuf;

use port_who::Holding;
use proc_tree::Identity;

use crate::{
    Action, Clock, Existing, Failure, Folders, Life, Lines, Lock, Outcome, Phase, Race, Record, Service, Standing,
    Verdict,
    health::{self, Asked},
    server::standing,
    service::{spec::Adopt, target},
    start::run::Start,
    stop::tree,
};

/// One call for one service.
#[derive(Debug, Clone, Copy)]
pub struct Ensure<'e> {
    /// What shall be up.
    pub service: &'e Service,
    /// What to do about one that is there already.
    pub existing: Existing,
    /// Where records, locks and logs are.
    pub folders: &'e Folders,
    /// The time it has.
    pub clock: Clock,
}

/// A server that is up, with its life when this call started it.
pub type Up = (Outcome, Option<Life>);

impl Ensure<'_> {
    /// Sees to it that the server is up and healthy.
    ///
    /// # Errors
    /// When it is not; the failure says why.
    pub fn run(&self) -> Result<Up, Failure> {
        if self.service.ports.is_range() { self.in_range() } else { self.on_port(self.service.ports.low, false) }
    }

    pub(crate) fn on_port(&self, port: u16, waited: bool) -> Result<Up, Failure> {
        if let Some(outcome) = self.fast(port, waited)? {
            return Ok((outcome, None));
        }
        let lock = self.lock(&port.to_string())?;
        self.locked(port, waited || lock.waited)
    }

    /// Looks without a lock: a record that holds, a listener that is its, an answer that is healthy.
    pub(crate) fn fast(&self, port: u16, waited: bool) -> Result<Option<Outcome>, Failure> {
        let Some(record) = Record::read(self.folders, port).filter(|record| record.phase == Phase::Ready) else {
            return Ok(None);
        };
        let wants_new =
            self.existing.restart || (self.existing.restart_if_changed && !self.differences(&record, port).is_empty());
        let wants_supervisor = self.service.kept_up().is_some() && record.running_supervisor().is_none();
        let Some(identity) = record.running().filter(|_| !wants_new && !wants_supervisor) else { return Ok(None) };
        let Standing::Ours(holdings) = self.standing(port, &[identity])? else { return Ok(None) };
        if self.ask(port, &holdings)? != Asked::Healthy {
            return Ok(None);
        }
        let action = if waited { Action::Joined } else { Action::Reused };
        Ok(Some(self.recorded(action, &record, &holdings)))
    }

    pub(crate) fn lock(&self, key: &str) -> Result<Lock, Failure> {
        let path = self.folders.file(key, "lock");
        let lock = Lock::take(&path, self.clock.deadline).map_err(Failure::state("lock", &path))?;
        lock.ok_or_else(|| {
            self.too_late(self.service.ports.low, "another ensure-up is still starting it".into(), None, Vec::new())
        })
    }

    /// Decides what is to be done, with nobody else deciding at the same time.
    fn locked(&self, port: u16, waited: bool) -> Result<Up, Failure> {
        let record = Record::read(self.folders, port);
        if let Some(record) = &record
            && let Some(up) = self.supervised_server(port, record, waited)?
        {
            return Ok(up);
        }
        let root = record.as_ref().map(Record::identity);
        let standing = self.standing(port, root.as_slice())?;
        match (standing, &record) {
            (Standing::Ours(_) | Standing::Free, Some(record)) => self.recorded_server(port, record, waited),
            (Standing::Ours(_) | Standing::Free, None) => self.start(port, Action::Started),
            (Standing::Matching(holdings, what), _) if self.existing.adopt != Adopt::Never => {
                if self.existing.restart {
                    self.stop(port, &holdings, root)?;
                    return self.start(port, Action::Restarted);
                }
                self.adopt(port, &holdings, what)
            }
            (Standing::Matching(holdings, _) | Standing::Foreign(holdings), _) => self.foreign(port, holdings, root),
        }
    }

    /// There is a record, and nobody else on the port.
    fn recorded_server(&self, port: u16, record: &Record, waited: bool) -> Result<Up, Failure> {
        let root = record.identity();
        let mut life = Life::watch(root, false).map_err(Failure::system("watch the server"))?;
        if life.ended().map_err(Failure::system("watch the server"))?.is_some() {
            return self.start(port, Action::Started);
        }
        if self.existing.restart || (self.existing.restart_if_changed && !self.differences(record, port).is_empty()) {
            let holdings = self.standing(port, life.roots())?.holdings().to_vec();
            self.stop(port, &holdings, Some(root))?;
            return self.start(port, Action::Restarted);
        }
        // one that was ready once need not say so again, and what it said since is not about its start
        let log = record.log.as_deref().filter(|_| record.phase == Phase::Starting);
        let race = Race { life: Some(&mut life), log: Lines::of(log, 0, self.service), ..self.race(port) };
        match health::block_on(race.run()).map_err(Failure::system("wait"))?? {
            Verdict::Ready(holdings) => {
                let action = if waited || record.phase != Phase::Ready { Action::Joined } else { Action::Reused };
                let ready = Record { phase: Phase::Ready, ..record.with_identity(life.identity()) };
                if ready != *record {
                    self.write(&ready)?;
                }
                Ok((self.recorded(action, &ready, &holdings), None))
            }
            // its starter is gone, and so is it now: there is none, so this call starts one
            Verdict::Ended { .. } => self.start(port, Action::Started),
            verdict => Err(self.not_ready(port, verdict, record.log.clone())),
        }
    }

    /// A server without a record is taken as ours once it is healthy.
    fn adopt(&self, port: u16, holdings: &[Holding], what: String) -> Result<Up, Failure> {
        // the eldest: workers that share its socket come and go
        let processes = holdings.iter().filter_map(|holding| holding.process.as_ref());
        let found = processes.min_by_key(|process| (process.start_id, process.pid));
        let mut life = found
            .map(|process| Life::watch(process.identity(), false))
            .transpose()
            .map_err(Failure::system("watch the server"))?;
        let race = Race { life: life.as_mut(), adopt_any: self.existing.adopt == Adopt::Any, ..self.race(port) };
        match health::block_on(race.run()).map_err(Failure::system("wait"))?? {
            Verdict::Ready(holdings) => {
                let record = life.map(|life| Start::record(self, port, Some(life.identity()), None));
                if let Some(record) = record.as_ref().filter(|_| self.service.kept_up().is_some()) {
                    let (outcome, life) = self.supervise(record.clone(), Action::Adopted)?;
                    return Ok((Outcome { reason: Some(what), ..outcome }, life));
                }
                if let Some(record) = &record {
                    self.write(&Record { phase: Phase::Ready, ..record.clone() })?;
                }
                let process = holdings.iter().find_map(|holding| holding.process.as_ref());
                let name = self.service.spec.name.clone().or_else(|| Some(process?.name.clone()));
                let outcome = self.outcome(
                    Action::Adopted,
                    name.unwrap_or_else(|| self.service.name()),
                    port,
                    process.map(proc_tree::Facts::identity),
                    &holdings,
                );
                Ok((Outcome { reason: Some(what), ..outcome }, None))
            }
            Verdict::Ended { .. } => self.start(port, Action::Started),
            verdict => Err(self.not_ready(port, verdict, None)),
        }
    }

    fn foreign(&self, port: u16, holdings: Vec<Holding>, root: Option<Identity>) -> Result<Up, Failure> {
        if self.existing.adopt == Adopt::Any {
            return self.adopt(port, &holdings, "it holds the port".into());
        }
        if self.existing.adopt == Adopt::Match && self.is_known(port, &holdings)? {
            if self.existing.restart {
                self.stop(port, &holdings, root)?;
                return self.start(port, Action::Restarted);
            }
            return self.adopt(port, &holdings, "its answer is the one that is expected".into());
        }
        if self.existing.replace {
            self.stop(port, &holdings, root)?;
            return self.start(port, Action::Replaced);
        }
        Err(Failure::Foreign { port, holdings })
    }

    /// Tells whether the answer itself says that it is the server that is asked for.
    pub(crate) fn is_known(&self, port: u16, holdings: &[Holding]) -> Result<bool, Failure> {
        Ok(self.service.is_known_by_answer() && self.ask(port, holdings)? == Asked::Healthy)
    }

    pub(crate) fn start(&self, port: u16, action: Action) -> Result<Up, Failure> {
        Start { ensure: self, port, action }.run()
    }

    /// Stops the holders of the port, the recorded process, and all that belongs to them.
    pub(crate) fn stop(&self, port: u16, holdings: &[Holding], root: Option<Identity>) -> Result<(), Failure> {
        let holders = holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.identity()));
        let mut roots: Vec<Identity> = root.into_iter().chain(holders).collect();
        roots.dedup();
        tree::stop_port(port, &roots, self.service.spec.stop_signal, self.service.spec.grace)?;
        Record::remove(self.folders, port).map_err(Failure::state("remove the record in", &self.folders.runtime))
    }

    pub(crate) fn standing(&self, port: u16, roots: &[Identity]) -> Result<Standing, Failure> {
        Ok(standing::of(port, self.service, roots, true).map_err(crate::ReadyError::from)?)
    }

    /// Asks for health once.
    fn ask(&self, port: u16, holdings: &[Holding]) -> Result<Asked, Failure> {
        let Some(listener) = standing::listener(holdings) else { return Ok(Asked::Not("nothing listens".into())) };
        let target = target::target(self.service.health(port).as_deref(), listener).map_err(crate::ReadyError::from)?;
        let mut prober = health::Prober::new(&self.service.spec.probe);
        let asked = health::block_on(prober.ask(&target)).map_err(Failure::system("ask for health"))?;
        Ok(asked.map_err(crate::ReadyError::from)?)
    }

    pub(crate) fn race(&self, port: u16) -> Race<'_> {
        Race {
            service: self.service,
            port,
            life: None,
            log: Lines::of(None, 0, self.service),
            notify: None,
            was_there: true,
            adopt_any: false,
            deadline: self.clock.deadline,
            held: false,
        }
    }

    pub(crate) fn write(&self, record: &Record) -> Result<(), Failure> {
        record.write(self.folders).map_err(Failure::state("write a record in", &self.folders.runtime))
    }

    /// Returns the command for the port as a record keeps it.
    pub(crate) fn words(&self, port: u16) -> Vec<String> {
        self.service.command(port).iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// Tells in what the recorded server differs from the one that is asked for.
    pub(crate) fn differences(&self, record: &Record, port: u16) -> Vec<&'static str> {
        let compared = [
            ("command", record.command == self.words(port)),
            ("folder", record.cwd == self.service.cwd),
            ("environment", record.environment == self.service.environment_fingerprint()),
        ];
        compared.into_iter().filter_map(|(what, is_same)| (!is_same).then_some(what)).collect()
    }

    pub(crate) fn recorded(&self, action: Action, record: &Record, holdings: &[Holding]) -> Outcome {
        let holder = holdings.iter().find_map(|holding| Some(holding.process.as_ref()?.name.clone()));
        let name = self.service.spec.name.clone().or(holder).unwrap_or_else(|| record.name.clone());
        let mut outcome = self.outcome(action, name, record.port, Some(record.identity()), holdings);
        outcome.log.clone_from(&record.log);
        outcome.restarts = record.restarts;
        let differences = self.differences(record, record.port);
        if !differences.is_empty() {
            outcome.notes.push(format!(
                "it was started with another {}; --restart-if-changed restarts it",
                differences.join(" and ")
            ));
        }
        outcome
    }

    pub(crate) fn outcome(
        &self,
        action: Action,
        name: String,
        port: u16,
        identity: Option<Identity>,
        holdings: &[Holding],
    ) -> Outcome {
        let health = self.service.health(port);
        Outcome {
            action,
            name,
            port,
            identity,
            pids: standing::pids(holdings),
            took: self.clock.took(),
            url: standing::listener(holdings)
                .map_or_else(String::new, |listener| target::url(health.as_deref(), listener)),
            log: None,
            restarts: 0,
            reason: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn too_late(&self, port: u16, what: String, log: Option<PathBuf>, holdings: Vec<Holding>) -> Failure {
        Failure::Deadline { name: self.service.name(), port, within: self.clock.limit(), what, log, holdings }
    }

    /// Words the end of a race that was not won.
    pub(crate) fn not_ready(&self, port: u16, verdict: Verdict, log: Option<PathBuf>) -> Failure {
        let name = self.service.name();
        match verdict {
            Verdict::TooLate(what, holdings) => self.too_late(port, what, log, holdings),
            Verdict::Failed(why) => Failure::Definite { name, why, log },
            Verdict::Interrupted(signal) => Failure::Interrupted(signal),
            Verdict::Ended { ending, held } => {
                let missing = if held { "was ready".into() } else { format!("held port {port}") };
                let log = log.unwrap_or_else(|| self.service.log_path(&self.folders.logs, port));
                Failure::Ended { name, ending, after: self.clock.took(), missing, log }
            }
            Verdict::Ready(_) => self.too_late(port, "it is ready".into(), log, Vec::new()),
        }
    }
}
