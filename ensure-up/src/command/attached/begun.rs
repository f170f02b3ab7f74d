//! The servers that a call has started and is to stop in the end: whatever fails before it stays with them stops them.

use ensure_up::{
    Port, ServerRecord, ServiceId, StateFolder,
    stop::{self, manner::Asked, whole::Wait},
};
use proc_tree::cli::text;

use super::super::words;

/// Servers that are stopped when this is dropped.
#[derive(Debug)]
pub(in crate::command) struct Begun {
    state_folder: StateFolder,
    servers: Vec<(ServiceId, Option<Port>)>,
}

impl Begun {
    /// Answers for none yet.
    pub(in crate::command) fn in_folder(state_folder: &StateFolder) -> Self {
        Self { state_folder: state_folder.clone(), servers: Vec::new() }
    }

    /// Answers for the server of a service.
    pub(in crate::command) fn add(&mut self, service: &ServiceId, port: Option<Port>) {
        self.servers.push((service.clone(), port));
    }

    /// Hands them over: somebody else answers for them.
    pub(super) fn release(&mut self) {
        self.servers.clear();
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        for (service, port) in &self.servers {
            let record = ServerRecord::read(&self.state_folder, service, *port).ok().flatten();
            let stopped =
                record.map(|record| stop::server::stop(&self.state_folder, record, Asked::default(), Wait::Whole));
            if let Some(Err(failure)) = stopped {
                words::say(&format!("ensure-up: {}", text::failure(&failure)));
            }
        }
    }
}
