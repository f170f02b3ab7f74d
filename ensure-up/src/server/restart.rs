//! What a recorded server is started again with: what it was asked for, kept whole; else as far as its
//! processes still tell.

use std::{ffi::OsStr, path::PathBuf};

use proc_tree::{Facts, Identity, process};

use super::{
    environment::Environment,
    folder::{self, StateFolder},
    mark,
    record::ServerRecord,
};
use crate::{ServiceSpec, service::supervision::Supervision};

/// Variables that are one process's own.
const OWN: [&str; 6] =
    [mark::VARIABLE, "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", folder::VARIABLE];

impl ServerRecord {
    /// Returns what the server was asked for, if that was kept.
    pub fn asked_spec(&self) -> Option<ServiceSpec> {
        serde_json::from_value(self.asked.clone()?).ok()
    }

    /// Describes a server by its living process: what of its options no process shows is as by default.
    pub fn shown_spec(&self, state_folder: &StateFolder) -> Option<ServiceSpec> {
        let running = self.running().ok()?.filter(|running| Some(*running) != self.supervisor)?;
        let words = Facts::of(running.pid).ok()??.command.filter(|words| !words.is_empty())?;
        let environment = environment(running).unwrap_or_default();
        let set = |name: &String| {
            let (name, value) = environment.iter().find(|(known, _)| known.to_str() == Some(name))?;
            Some([name.as_os_str(), OsStr::new("="), value].into_iter().collect())
        };
        let is_supervised = self.running_supervisor().ok().flatten().is_some();
        let log: Option<&PathBuf> = self.log.as_ref().filter(|log| log.parent() != Some(&state_folder.path));
        Some(ServiceSpec {
            command: words.into_iter().map(Into::into).collect(),
            port: self.port.map(Into::into),
            name: self.service.name.clone(),
            cwd: Some(self.cwd.clone()),
            folder: Some(self.service.folder.clone()),
            env: self.environment.keys().filter_map(set).collect(),
            log: log.map(|log| log.to_string_lossy().into_owned()),
            health: self.health.clone(),
            probe: self.probe.clone(),
            stop_signal: self.stop_signal.as_deref().and_then(|name| name.parse().ok()),
            grace: self.grace(),
            once: self.once,
            depends_on: self.depends_on.clone(),
            supervision: Supervision { keep_up: is_supervised, ..Supervision::default() },
            ..ServiceSpec::default()
        })
    }

    /// Returns the environment that the server inherited, without what was set for it, as long as it runs. A title may be
    /// written over a server's own, and never over its supervisor's.
    pub fn inherited(&self) -> Option<Environment> {
        let supervisor = self.running_supervisor().ok().flatten();
        let mut running = supervisor.into_iter().chain(self.running().ok().flatten());
        let mut found = running.find_map(environment)?;
        found.retain(|(name, _)| {
            name.to_str().is_none_or(|name| !OWN.contains(&name) && !self.environment.contains_key(name))
        });
        Some(found)
    }
}

/// Reads the environment of a process of a server: one that has our mark was not written over.
fn environment(process: Identity) -> Option<Environment> {
    let found = process::environment(process.pid).ok()??;
    found.iter().any(|(name, _)| name == mark::VARIABLE).then_some(found)
}
