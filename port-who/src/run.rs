//! From the command line's wishes to the library and back: one question, a watch, or a search for free ports.

use std::{
    io::{self, IsTerminal, Stdout, Write},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use port_who::{
    Answer, hint, look,
    report::{self, Detail},
    watch::{self, Pause, Rounds, Screen},
};
use proc_tree::{command_line::OutputError, terminal::Look};
use serde::Serialize;

use crate::cli::{Cli, Status};

/// The forms that an answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Pids,
    Table,
}

impl Cli {
    pub(crate) fn run(&self) -> anyhow::Result<Status> {
        match (self.free, self.watch) {
            (Some(count), _) => self.find_free(count),
            (None, Some(interval)) => self.watch(interval),
            (None, None) => {
                let answer = self.ask()?;
                self.report(&answer, None, &mut io::stdout().lock())?;
                self.hint_about(&answer);
                Ok(if answer.holdings.is_empty() { Status::No } else { Status::Done })
            }
        }
    }

    fn ask(&self) -> anyhow::Result<Answer> {
        let mut answer = look(&self.query())?;
        self.filter().apply(&mut answer);
        Ok(answer)
    }

    fn report(&self, answer: &Answer, sampled_at: Option<SystemTime>, out: &mut dyn Write) -> anyhow::Result<()> {
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

    fn format(&self) -> Format {
        match self {
            Self { json: true, .. } => Format::Json,
            Self { table: true, .. } => Format::Table,
            Self { pids: true, .. } => Format::Pids,
            _ if io::stdout().is_terminal() => Format::Table,
            _ => Format::Pids,
        }
    }

    /// Says what would show the rest of an answer; tells whether there was anything to say.
    fn hint_about(&self, answer: &Answer) -> bool {
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

    /// Asks again and again; yes when any round found something. A signal ends it, and leaves nothing behind.
    fn watch(&self, interval: Duration) -> anyhow::Result<Status> {
        let stdout = io::stdout();
        let mut rounds = Rounds::start(interval, self.count);
        let mut screen = stdout.is_terminal().then(Screen::default).filter(|_| self.format() != Format::Json);
        let mut status = Status::No;
        let mut hinted = false;
        loop {
            let sampled_at = SystemTime::now();
            let answer = self.ask()?;
            match &mut screen {
                Some(screen) => self.redraw(&answer, sampled_at, screen, &stdout)?,
                None => self.report(&answer, Some(sampled_at), &mut stdout.lock())?,
            }
            if !answer.holdings.is_empty() {
                status = Status::Done;
            }
            if screen.is_none() && !hinted {
                hinted = self.hint_about(&answer);
            }
            match rounds.pause(&stdout).context("cannot wait for the next round")? {
                Pause::Done => return Ok(status),
                Pause::ReaderGone => return Ok(Status::Done),
                Pause::Over if screen.is_none() && self.format() != Format::Json => {
                    writeln!(stdout.lock()).map_err(OutputError)?; // an empty line between two rounds
                }
                Pause::Over => {}
            }
        }
    }

    fn redraw(&self, answer: &Answer, at: SystemTime, screen: &mut Screen, out: &Stdout) -> anyhow::Result<()> {
        let mut text = Vec::new();
        self.report(answer, Some(at), &mut text)?;
        if text.is_empty() {
            text = b"(nothing)\n".to_vec();
        }
        let text = String::from_utf8_lossy(&text);
        Ok(screen.draw(&text, watch::rows(out), &mut out.lock()).map_err(OutputError)?)
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
