//! From the command line's wishes to the library and back: one question, or a search for free ports.

use std::{
    io::{self, IsTerminal, Write},
    time::SystemTime,
};

use anyhow::Context;
use port_who::{
    Answer, hint, look,
    report::{self, Detail},
};
use proc_tree::cli::{args::OutputError, terminal::Look};
use serde::Serialize;

use crate::{
    cli::{Cli, Ending, Status},
    watch,
};

/// The forms that an answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Pids,
    Table,
}

impl Cli {
    pub(crate) fn run(&self) -> anyhow::Result<Ending> {
        match (self.free, self.watch) {
            (Some(count), _) => self.find_free(count).map(Ending::from),
            (None, Some(interval)) => {
                watch::watch(self, interval, io::stdout().is_terminal() && self.format() != Format::Json)
            }
            (None, None) => {
                let answer = self.ask()?;
                self.report(&answer, None, &mut io::stdout().lock())?;
                self.hint_about(&answer);
                Ok(if answer.holdings.is_empty() { Status::No } else { Status::Done }.into())
            }
        }
    }

    pub(crate) fn ask(&self) -> anyhow::Result<Answer> {
        let mut answer = look(&self.query())?;
        self.filter().apply(&mut answer);
        Ok(answer)
    }

    pub(crate) fn report(
        &self,
        answer: &Answer,
        sampled_at: Option<SystemTime>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let format = self.format();
        let explained = self.why && format != Format::Pids;
        let origins = explained.then(|| answer.origins()).transpose();
        let origins = origins.context("cannot read the ancestors of a holder")?;
        let written = match format {
            Format::Json => report::json(answer, origins.as_ref(), sampled_at, out),
            Format::Pids => report::pids(answer, out),
            Format::Table => {
                let detail = Detail { origins: origins.as_ref(), connections: self.connections, netns: self.all_netns };
                report::table(answer, &detail, out, &Look::of(&io::stdout(), self.common.color))
            }
        };
        Ok(written.map_err(OutputError)?)
    }

    pub(crate) fn format(&self) -> Format {
        match self {
            Self { json: true, .. } => Format::Json,
            Self { table: true, .. } => Format::Table,
            Self { pids: true, .. } => Format::Pids,
            _ if io::stdout().is_terminal() => Format::Table,
            _ => Format::Pids,
        }
    }

    /// Says what would show the rest of an answer; tells whether there was anything to say.
    pub(crate) fn hint_about(&self, answer: &Answer) -> bool {
        let invisible = hint::invisible(answer, &self.ports, rustix::process::geteuid().is_root());
        let hints: Vec<String> = invisible.into_iter().chain(hint::hidden(answer)).collect();
        self.hint(&hints);
        !hints.is_empty()
    }

    /// Hints go to stderr, behind what they are about.
    fn hint(&self, hints: &[String]) {
        for hint in hints.iter().filter(|_| !self.common.quiet) {
            let _ = writeln!(io::stderr(), "hint: {hint}");
        }
    }

    fn find_free(&self, count: u16) -> anyhow::Result<Status> {
        let free = port_who::free(&self.query(), count.into())?;
        let mut out = io::stdout().lock();
        for &port in &free.ports {
            let line = if self.json { serde_json::to_string(&FreePort { port })? } else { port.to_string() };
            writeln!(out, "{line}").map_err(OutputError)?;
        }
        if free.ports.len() == usize::from(count) {
            return Ok(Status::Done);
        }
        self.hint(&hint::left_out(&free));
        Ok(Status::No)
    }
}

/// The JSON form of a free port.
#[derive(Debug, Serialize)]
struct FreePort {
    port: u16,
}
