//! Asking for health, with the library of health-wait.

pub(crate) mod deserted;
pub(crate) mod program;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use deserted::Deserted;
use health_wait::{ProbeOptions, Target, Verdict, Wait, WaitError};
use program::Program;

/// What one attempt found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Healthy.
    Healthy,
    /// Not yet; says why.
    Not(String),
    /// An answer that can only mean failure; says what.
    Failed(String),
}

/// What is asked of a server.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// Where; `None`: there is nothing to ask, and it is healthy by being there.
    pub(crate) target: Option<Target>,
    /// What it is asked beyond a connection, and where.
    pub(crate) program: Option<(Program, SocketAddr)>,
    /// Whether a connection may be one that nobody accepts.
    pub(crate) deserted: Option<Deserted>,
}

/// Asks again and again, and counts how often the answer was good.
#[derive(Debug)]
pub(crate) struct Prober {
    options: ProbeOptions,
    /// How many answers in a row were healthy.
    pub in_a_row: u32,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Prober {
    /// Prepares to ask in this way.
    pub(crate) fn new(options: &ProbeOptions) -> Self {
        Self { options: options.for_one_attempt(), in_a_row: 0, since: None }
    }

    /// Asks once.
    ///
    /// # Errors
    /// When it cannot be asked at all: the certificates to trust cannot be read.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Asked, WaitError> {
        let Some(target) = &question.target else {
            self.in_a_row += 1;
            return Ok(Asked::Healthy);
        };
        let targets = std::slice::from_ref(target);
        let report = Wait { once: true, ..Wait::new(targets, &self.options) }.run(&mut |_, _| {}).await?;
        let why = || {
            report.records.first().and_then(|record| record.last_error.clone()).unwrap_or_else(|| "no answer".into())
        };
        let asked = match report.verdict {
            Verdict::Reached => match (question.program, question.deserted) {
                (Some((program, address)), _) => {
                    program.serves(address).await.map_or_else(Asked::Not, |()| Asked::Healthy)
                }
                (None, Some(deserted)) => deserted.reason().await.map_or(Asked::Healthy, Asked::Not),
                (None, None) => Asked::Healthy,
            },
            Verdict::Failed(_) => Asked::Failed(why()),
            Verdict::Missed | Verdict::TimedOut | Verdict::ProcessEnded(_) => Asked::Not(why()),
        };
        (self.in_a_row, self.since) = match asked {
            Asked::Healthy => (self.in_a_row + 1, self.since.or_else(|| Some(Instant::now()))),
            Asked::Not(_) | Asked::Failed(_) => (0, None),
        };
        Ok(asked)
    }

    /// Returns for how long its answers have been healthy without a break.
    pub(crate) fn healthy_for(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
