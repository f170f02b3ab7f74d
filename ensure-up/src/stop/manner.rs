//! How a server is stopped.

use std::time::Duration;

use proc_tree::Signal;

use crate::{ServerRecord, Service};

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Returns the record of a server that is to be stopped so.
    #[must_use]
    pub(crate) fn recorded_in(self, record: ServerRecord) -> ServerRecord {
        let stop_signal = self.signal.map(|signal| signal.to_string());
        let grace_ms = u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX);
        ServerRecord { stop_signal, grace_ms, ..record }
    }

    /// Stops as this call asks for, and as before in what it leaves open.
    pub(crate) fn but(self, asked: Asked) -> Self {
        Self { signal: asked.signal.or(self.signal), grace: asked.grace.unwrap_or(self.grace) }
    }
}

/// What a call that stops a server asks for besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// What is sent first.
    pub signal: Option<Signal>,
    /// How long it may take before SIGKILL.
    pub grace: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServiceSpec;

    #[test]
    fn a_stop_is_as_it_was_recorded_but_for_what_is_asked() {
        let (signal, other): (Signal, Signal) = ("INT".parse().expect("a signal"), "HUP".parse().expect("a signal"));
        let seconds = Duration::from_secs;
        let spec = ServiceSpec {
            port: "80".parse().ok(),
            command: vec!["serve".into()],
            stop_signal: Some(signal),
            grace: seconds(7),
            ..ServiceSpec::default()
        };
        let service = Service::try_from(spec).expect("it can be started");
        let manner = Manner::of(&service);
        assert_eq!(manner, Manner { signal: Some(signal), grace: seconds(7) });
        let record = ServerRecord::expected(&service);
        assert_eq!(Manner::recorded(&record), manner);
        for (asked, expected) in [
            (Asked::default(), manner),
            (Asked { signal: Some(other), grace: None }, Manner { signal: Some(other), ..manner }),
            (Asked { signal: None, grace: Some(seconds(1)) }, Manner { grace: seconds(1), ..manner }),
        ] {
            assert_eq!(manner.but(asked), expected);
            assert_eq!(Manner::recorded(&expected.recorded_in(record.clone())), expected);
        }
        let silent = Manner { signal: None, ..manner };
        assert_eq!(Manner::recorded(&silent.recorded_in(record)), silent);
    }
}
