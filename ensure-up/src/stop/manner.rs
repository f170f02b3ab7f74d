//! How a server is stopped.

use std::time::Duration;

use proc_tree::Signal;

use crate::{ServerRecord, Service};

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// What is sent first; `None` for what suits the program.
    pub signal: Option<Signal>,
    /// How long it may take before SIGKILL.
    pub grace: Duration,
}

impl Manner {
    /// Stops as the service asks for.
    pub fn of(service: &Service) -> Self {
        Self { signal: service.spec.stop_signal, grace: service.spec.grace }
    }

    /// Stops as was asked for when the server was started.
    pub(crate) fn recorded(record: &ServerRecord) -> Self {
        Self { signal: record.stop_signal.as_deref().and_then(|name| name.parse().ok()), grace: record.grace() }
    }
}
