//! How far an attempt has come.

use std::cell::Cell;

use crate::{reason::Reason, schedule::limit::Limit};

/// How far an attempt has come, for the words when its time is up.
#[derive(Debug, Default)]
pub(super) struct Stage(Cell<Step>);

#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Step {
    #[default]
    Connecting,
    Securing,
    Asked,
    Reading,
}

impl Stage {
    pub(super) fn enter(&self, step: Step) {
        self.0.set(step);
    }

    pub(super) fn timed_out(&self, limit: &Limit) -> Reason {
        let missing = match self.0.get() {
            Step::Connecting => "no connection",
            Step::Securing => "no TLS handshake",
            Step::Asked => "no answer",
            Step::Reading => "no end of the answer",
        };
        limit.passed(missing)
    }
}
