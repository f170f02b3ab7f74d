//! The JSON form of what came of a start or a stop.

use std::{
    io::{self, Write},
    path::Path,
};

use proc_tree::{Identity, cli::json_lines};
use serde::{Deserialize, Serialize};

use super::{
    failure::Failure,
    outcome::{Action, Outcome},
};
use crate::{
    Port, ServerRecord,
    server::{part::Part, port as listening},
};

/// One server, and what was done about it: started, found or stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StartRecord {
    /// The service's name, or its command's.
    pub name: String,
    /// The folder that the service belongs to; null where it is not known.
    pub folder: Option<String>,
    /// The port; null for a service without one, and where none of a range was found.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// What was done.
    pub action: Action,
    /// The process ID of the server; null where it is not up, its owner cannot be seen, or a job has ended.
    pub pid: Option<u32>,
    /// Which of the processes that have, had or will have this PID: opaque; null as `pid` is.
    pub start_id: Option<u64>,
    /// The processes that hold the port, or its own where it has none; of a failed start those that are in its way.
    pub pids: Vec<u32>,
    /// Whether it is up and answers as it should.
    pub healthy: bool,
    /// How long it took this call to find or make it ready, in milliseconds; null where it is not up.
    pub ready_ms: Option<u64>,
    /// Where it answers; null where it is not up, or has no address.
    pub url: Option<String>,
    /// The file that its output goes to; null where none is known.
    pub log: Option<String>,
    /// How often its supervisor started it again.
    pub restarts: u32,
    /// By what an adopted server is known; why a failed one is not up, and a stopped one needed no stop; null
    /// for any other.
    pub reason: Option<String>,
    /// In what the server that is there differs from the one that is asked for.
    #[cfg_attr(test, schemars(extend("items" = { "type": "string", "enum": Part::ALL.map(|part| part.word()) })))]
    pub differs: Vec<String>,
}

impl StartRecord {
    fn new(name: &str, port: Option<Port>, action: Action) -> Self {
        Self {
            name: name.to_owned(),
            folder: None,
            port: port.map(|port| port.number),
            action,
            pid: None,
            start_id: None,
            pids: Vec::new(),
            healthy: false,
            ready_ms: None,
            url: None,
            log: None,
            restarts: 0,
            reason: None,
            differs: Vec::new(),
        }
    }

    fn of(self, process: Option<Identity>) -> Self {
        let (pid, start_id) = process.map(|identity| (identity.pid, identity.start_id)).unzip();
        Self { pid, start_id, ..self }
    }

    /// Says whose folder its service is of.
    #[must_use]
    pub fn in_folder(self, folder: &Path) -> Self {
        Self { folder: Some(folder.to_string_lossy().into_owned()), ..self }
    }

    fn logged(self, path: Option<&Path>) -> Self {
        Self { log: path.map(|path| path.to_string_lossy().into_owned()), ..self }
    }

    /// Describes a server that is up.
    pub fn up(outcome: &Outcome) -> Self {
        let record = Self::new(&outcome.name, outcome.port, outcome.action).of(outcome.identity);
        Self {
            pids: outcome.pids.clone(),
            healthy: true,
            ready_ms: u64::try_from(outcome.took.as_millis()).ok(),
            url: outcome.url.clone(),
            restarts: outcome.restarts,
            reason: outcome.reason.clone(),
            differs: words(&outcome.differs),
            ..record.in_folder(&outcome.folder).logged(outcome.log.as_deref())
        }
    }

    /// Describes a server that is not up; `why` is the message without its hints.
    pub fn failed(name: &str, port: Option<Port>, failure: &Failure, why: String) -> Self {
        let pids = listening::pids(failure.holdings());
        Self { pids, differs: words(failure.differs()), ..Self::not_up(name, port, why) }.logged(failure.log())
    }

    /// Describes a service that was not even tried, or of whose start nothing is known.
    pub fn not_up(name: &str, port: Option<Port>, why: String) -> Self {
        Self { reason: Some(why), ..Self::new(name, port, Action::Failed) }
    }

    /// Describes a server that was stopped, or did not run.
    pub fn stopped(record: &ServerRecord, process: Option<Identity>) -> Self {
        let stopped = Self::new(&record.name, record.port, Action::Stopped).of(process);
        let reason = process.is_none().then(|| "not running".into());
        let stopped = stopped.in_folder(&record.service.folder);
        Self { restarts: record.restarts, reason, ..stopped.logged(record.log.as_deref()) }
    }

    /// Returns the process, if it is known.
    pub fn process(&self) -> Option<Identity> {
        Some(Identity { pid: self.pid?, start_id: self.start_id? })
    }

    /// Writes the record as a line.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        json_lines::write([self], out)
    }
}

fn words(parts: &[Part]) -> Vec<String> {
    parts.iter().map(|part| part.word().to_owned()).collect()
}
