//! Asking for health, with the library of health-wait.

pub(crate) mod deserted;
pub(crate) mod program;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use deserted::Deserted;
use health_wait::{Event, ProbeOptions, Target, Verdict, Wait, WaitError};
use program::Program;

use crate::Port;

/// Why a target is not healthy that has not answered so far.
const NO_ANSWER: &str = "no answer";

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
    /// Where, all of them; without any there is nothing to ask, and it is healthy by being there.
    pub(crate) targets: Vec<Target>,
    /// What it is asked beyond a connection, and where.
    pub(crate) program: Option<(Program, SocketAddr)>,
    /// Whether a connection may be one that nobody accepts.
    pub(crate) deserted: Option<Deserted>,
}

impl Question {
    /// Returns how many connections to the server's port it takes to ask.
    pub(crate) fn connections(&self, port: Option<Port>) -> usize {
        let is_there =
            |target: &&Target| target.tcp_port().is_some_and(|asked| port.is_some_and(|port| port.number == asked));
        self.targets.iter().filter(is_there).count() + usize::from(self.program.is_some())
    }
}

/// Asks again and again, and counts how often the answer was good.
#[derive(Debug)]
pub(crate) struct Prober {
    options: ProbeOptions,
    /// The targets that were asked last, each with the reason why it is not healthy, as far as is known.
    asked: Vec<(Target, Option<String>)>,
    /// How many answers in a row were healthy.
    pub(crate) in_a_row: u32,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Prober {
    /// Prepares to ask in this way.
    pub(crate) fn new(options: &ProbeOptions) -> Self {
        Self { options: options.for_one_attempt(), asked: Vec::new(), in_a_row: 0, since: None }
    }

    /// Tells whether anything was asked so far.
    pub(crate) fn has_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Says why it is not healthy, as far as is known, also while it is asked: of several targets, which.
    pub(crate) fn why(&self) -> Option<String> {
        let open = self.asked.iter().filter_map(|(target, reason)| Some(self.named(target, reason.as_deref()?)));
        Some(open.collect::<Vec<_>>().join("; ")).filter(|why| !why.is_empty())
    }

    fn named(&self, target: &Target, reason: &str) -> String {
        if self.asked.len() == 1 { reason.to_owned() } else { format!("{target}: {reason}") }
    }

    /// Asks all targets once, at the same time.
    ///
    /// # Errors
    /// When it cannot be asked at all: the certificates to trust cannot be read.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Asked, WaitError> {
        if !self.asked.iter().map(|(target, _)| target).eq(&question.targets) {
            let unknown = |target: &Target| (target.clone(), Some(NO_ANSWER.to_owned()));
            self.asked = question.targets.iter().map(unknown).collect();
        }
        let asked = &mut self.asked;
        let mut happened = |target: usize, event: Event<'_>| match event {
            Event::Changed(reason) => asked[target].1 = Some(reason.to_owned()),
            Event::Reached(_) => asked[target].1 = None,
        };
        let wait = Wait { once: true, ..Wait::new(&question.targets, &self.options) };
        let report = wait.run(&mut happened).await?;
        let asked = match report.verdict {
            Verdict::Reached => match (question.program, question.deserted) {
                (Some((program, address)), _) => {
                    program.serves(address).await.map_or_else(Asked::Not, |()| Asked::Healthy)
                }
                (None, Some(deserted)) => deserted.reason().await.map_or(Asked::Healthy, Asked::Not),
                (None, None) => Asked::Healthy,
            },
            Verdict::Failed(target) => {
                let failed = &report.records[target];
                Asked::Failed(self.named(&failed.target, failed.last_error.as_deref().unwrap_or(NO_ANSWER)))
            }
            Verdict::Missed | Verdict::TimedOut | Verdict::ProcessEnded(_) | Verdict::Gone(_) | Verdict::Unable(_) => {
                Asked::Not(self.why().unwrap_or_else(|| NO_ANSWER.into()))
            }
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
