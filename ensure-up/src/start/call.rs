//! One call for one service: what it asked for, where its files are, how much time it has; and how its end is worded.

use std::path::PathBuf;

use proc_tree::Identity;

use crate::{
    Action, Clock, Failure, Outcome, Port, ReadyError, ServerProcesses, ServerRecord, Service, StateFolder,
    event::block_on,
    health::{self, Asked},
    server::{
        evidence::{Evidence, Known},
        holding::Holding,
        part, port as listening, record,
        started::Started,
        stranger::Stranger,
    },
    service::{existing::Adopt, target::Site},
    start::{
        race::{Race, RaceEnd},
        waiting::{Doing, Observer, Waiting},
    },
};

/// One call for one service.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// What shall be up.
    pub service: &'c Service,
    /// Where records, locks and logs are.
    pub state_folder: &'c StateFolder,
    /// The time it has.
    pub clock: Clock,
    /// Who is told what it waits for.
    pub observer: Observer<'c>,
}

/// A server that is up, with its processes when this call started it.
pub type Up = (Outcome, Option<ServerProcesses>);

impl Call<'_> {
    /// Describes what is done about the server on a port, for whoever is told so.
    pub(crate) fn waiting(&self, doing: Doing, port: Option<Port>) -> Waiting {
        Waiting::of(doing, format!("{}{}", self.service.name(), record::on_port(port)))
    }

    pub(crate) fn write(&self, record: &ServerRecord) -> Result<(), Failure> {
        record.write(self.state_folder).map_err(Failure::state("write a record in", &self.state_folder.path))
    }

    /// Notes what can be found out again: a disk that is full takes no server away that is up.
    pub(crate) fn note(&self, record: &ServerRecord) -> Result<(), Failure> {
        record.note(self.state_folder).map_err(Failure::state("write a record in", &self.state_folder.path))
    }

    /// Reads what is recorded of the service's server on a port.
    pub(crate) fn recorded_on(&self, port: Option<Port>) -> Result<Option<ServerRecord>, Failure> {
        let record = ServerRecord::read(self.state_folder, &self.service.id, port);
        record.map_err(Failure::state("read the record in", &self.state_folder.path))
    }

    /// Asks the server that these are for health, once; what is recorded of it may tell that nobody of it serves any more.
    pub(crate) fn ask(
        &self,
        port: Option<Port>,
        holdings: &[Holding],
        record: Option<&ServerRecord>,
    ) -> Result<Asked, Failure> {
        let health = self.service.health(port);
        let deserted = record.and_then(|record| record.deserted(holdings));
        let site =
            Site::of(&health, &self.service.id.folder, port, holdings, &self.service.spec.command).left(deserted);
        if port.is_some() && site.listener.is_none() {
            return Ok(Asked::Not("nothing listens".into()));
        }
        let question = site.question().map_err(ReadyError::from)?;
        let mut prober = health::Prober::new(&self.service.spec.probe);
        let asked = block_on(prober.ask(&question)).map_err(Failure::system("ask for health"))?;
        Ok(asked.map_err(ReadyError::from)?)
    }

    /// Prepares the wait for a server that is there.
    pub(crate) fn race(&self, port: Option<Port>) -> Race<'_> {
        Race::new(self.service, self.state_folder, port, self.clock.deadline)
    }

    /// Finds other programs on the port of a server that holds it; `roots` are its processes besides.
    ///
    /// # Errors
    /// When one gets what is meant for the server.
    pub(crate) fn stranger(
        &self,
        port: Option<Port>,
        roots: &[Identity],
        holdings: &[Holding],
    ) -> Result<Option<Stranger>, Failure> {
        let started = Started::of(self.service, port);
        let known = Known::of(started, &[roots, &Holding::identities(holdings)].concat());
        self.stranger_in(&Evidence::gather(port, vec![known]).map_err(ReadyError::from)?, holdings)
    }

    /// Finds other programs in what was seen of the port of a server that holds it.
    ///
    /// # Errors
    /// When one gets what is meant for the server, unless whatever holds the port will do.
    pub(crate) fn stranger_in(&self, seen: &Evidence, holdings: &[Holding]) -> Result<Option<Stranger>, Failure> {
        let started = Started::of(self.service, seen.port);
        let stranger = seen.stranger(holdings, &started, self.state_folder, || Some(self.service.clone()));
        match (stranger, seen.port) {
            (Some(Stranger::Sharing(holdings)), Some(port)) if self.service.spec.existing.adopt != Adopt::Any => {
                Err(Failure::Shared { port, holdings })
            }
            (stranger, _) => Ok(stranger),
        }
    }

    /// Words what was done about a server that is recorded.
    pub(crate) fn recorded(
        &self,
        action: Action,
        record: &ServerRecord,
        holdings: &[Holding],
        stranger: Option<&Stranger>,
    ) -> Outcome {
        // one that was started and is gone has left the server to whoever holds the port
        let running = record.running().ok().flatten().unwrap_or(record.identity());
        let mut outcome = self.outcome(action, record.name.clone(), record.port, Some(running), holdings, stranger);
        outcome.log.clone_from(&record.log);
        outcome.restarts = record.restarts;
        outcome.differs = record.started().differences(&Started::of(self.service, record.port));
        if !outcome.differs.is_empty() {
            let words = part::words(&outcome.differs);
            outcome.notes.push(format!("it was started with {words}; --restart-if-changed restarts it"));
        }
        outcome
    }

    pub(crate) fn outcome(
        &self,
        action: Action,
        name: String,
        port: Option<Port>,
        identity: Option<Identity>,
        holdings: &[Holding],
        stranger: Option<&Stranger>,
    ) -> Outcome {
        let health = self.service.health(port);
        let site = Site::of(&health, &self.service.id.folder, port, holdings, &self.service.spec.command);
        Outcome {
            action,
            name,
            port,
            identity,
            pids: listening::pids(holdings),
            took: self.clock.took(),
            url: site.stranger(stranger).url(),
            log: None,
            restarts: 0,
            reason: None,
            differs: Vec::new(),
            folder: self.service.id.folder.clone(),
            is_first: false,
            notes: stranger.map(Stranger::note).into_iter().collect(),
        }
    }

    pub(crate) fn too_late(
        &self,
        port: Option<Port>,
        what: String,
        log: Option<PathBuf>,
        holdings: Vec<Holding>,
    ) -> Failure {
        Failure::Deadline { name: self.service.name(), port, within: self.clock.limit(), what, log, holdings }
    }

    /// Words the end of a race that was not won.
    pub(crate) fn not_ready(&self, port: Option<Port>, end: RaceEnd, log: Option<PathBuf>) -> Failure {
        let name = self.service.name();
        match end {
            RaceEnd::TooLate(what, holdings) => self.too_late(port, what, log, holdings),
            RaceEnd::Failed(why) => Failure::Definite { name, why, log },
            RaceEnd::Interrupted(signal) => Failure::Interrupted(signal),
            RaceEnd::Ended { end, held, after } => {
                let missing = match port.filter(|_| !held) {
                    None => "was ready".into(),
                    Some(port) => match listening::in_use(port) {
                        None => format!("held port {port}"),
                        Some(why) => format!("held port {port}, which is not free: {why}"),
                    },
                };
                let log = log.unwrap_or_else(|| self.service.log_path(&self.state_folder.path, port));
                let missing = Some(missing).filter(|_| !self.service.spec.once);
                Failure::Ended { name, end, after: Some(after), missing, log }
            }
            RaceEnd::Ready(_) => self.too_late(port, "it is ready".into(), log, Vec::new()),
        }
    }
}
