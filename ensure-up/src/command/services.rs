//! The services of `ensure-up.toml`: all, or those that are named, with what they need.

use std::{
    ffi::{OsStr, OsString},
    io::{self, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use clap::{Args, Command};
use ensure_up::{
    Action, Folders, Life,
    attach::then::{self, Needed},
    report::Line,
    service::file::{Config, ConfigError, Definition},
    start::several::{Ended, Fleet},
    stop::order,
};
use proc_tree::{
    Facts, Identity,
    cli::{args::OutputError, duration, table::Table, terminal::Look},
};

use super::{Cli, Exit, Status, UsageError, options::Options, run::after_then};

impl Cli {
    pub(super) fn start_services(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        self.check_services_usage()?;
        let keys = Options::augment_args(Command::new("service"));
        let path = Config::find(self.file.as_deref()).map_err(|error| usage(&error))?;
        let config = Config::read(&path, self.profile.as_deref(), &keys).map_err(|error| usage(&error))?;
        let services = config.select(&self.names).map_err(UsageError::new)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let options: Vec<OsString> = self.given.iter().map(OsString::from).collect();
        let fleet = Fleet { services: &services, folder, options: &options, sequential: self.sequential };
        let mut written = Ok(());
        let ended = fleet.start(&mut |end| {
            if let Err(error) = self.one_ended(end, &services, out)
                && written.is_ok()
            {
                written = Err(error);
            }
        })?;
        written?;
        let ended = match ended {
            Ok(ended) => ended,
            Err(signal) => return Ok(Exit::By(signal)),
        };
        self.all_ended(&ended, &services, out)?;
        let failed = ended.iter().find(|end| end.status != 0).map(|end| Exit::Code(end.status));
        match (&self.then, failed) {
            (Some(command), None) => self.then_services(command, &ended),
            (_, failed) => Ok(failed.unwrap_or(Exit::With(Status::Done))),
        }
    }

    fn check_services_usage(&self) -> Result<(), UsageError> {
        let clashing = [
            ("a command", !self.command.is_empty()),
            ("--port", self.options.port.is_some()),
            ("--foreground", self.foreground),
        ];
        match clashing.into_iter().find(|(_, given)| *given) {
            Some((what, _)) => {
                Err(UsageError::new(format!("{what} goes with one server, not with services of a file")))
            }
            None if self.all && !self.names.is_empty() => {
                Err(UsageError::new("--all starts every service: give either names or --all"))
            }
            None => Ok(()),
        }
    }

    /// Tells of a service as soon as its start has ended.
    fn one_ended(&self, end: &Ended, services: &[Definition], out: &mut dyn Write) -> Result<(), OutputError> {
        if self.json {
            end.line.write(out)?;
        }
        if end.status != 0 {
            let told =
                if end.said.is_empty() { cells(end, services).join("  ") } else { end.said.trim_end().to_owned() };
            self.say(&told);
        } else if !self.common.quiet && !self.json {
            self.say(&cells(end, services).join("  "));
        }
        Ok(())
    }

    /// Tells of all services once more, in the file's order.
    fn all_ended(&self, ended: &[Ended], services: &[Definition], out: &mut dyn Write) -> Result<(), OutputError> {
        if self.table || (io::stdout().is_terminal() && !self.pids && !self.json) {
            let mut table = Table::headless(4);
            for end in ended {
                table.row(cells(end, services));
            }
            table.write(out, &Look::of(&io::stdout(), self.common.color))?;
        } else if !self.json && (self.then.is_none() || self.pids) {
            let mut pids: Vec<u32> =
                ended.iter().filter(|end| end.status == 0).flat_map(|end| end.line.pids.clone()).collect();
            pids.sort_unstable();
            pids.dedup();
            for pid in pids {
                writeln!(out, "{pid}")?;
            }
        }
        Ok(out.flush()?)
    }

    /// Runs the command while all are up, then stops those that this call started, dependents first.
    fn then_services(&self, command: &OsStr, ended: &[Ended]) -> anyhow::Result<Exit> {
        let mut needed = Vec::new();
        for line in ended.iter().map(|end| &end.line) {
            if let (Some(pid), Some(start_id)) = (line.pid, line.start_id) {
                let life = Life::watch(Identity { pid, start_id }, false)?;
                needed.push(Needed { name: line.name.clone(), life });
            }
        }
        let grace = self.options.grace();
        let ran = then::run(command, None, grace, &mut needed, &mut |name, ending| self.died(name, ending));
        let started = ended.iter().filter(|end| end.line.action.is_start());
        let started: Vec<String> = started.filter_map(|end| Some(end.line.port?.to_string())).collect();
        if !started.is_empty() {
            let folders = Folders::find()?;
            for record in order::order(&folders, &started)? {
                order::stop(&folders, record)?;
            }
        }
        Ok(after_then(ran?))
    }
}

/// A fault of the file is the user's; one that cannot be read may be the machine's, but nothing was done either.
fn usage(error: &ConfigError) -> UsageError {
    let chain = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    let what = proc_tree::cli::args::failure(chain);
    let suggestion = if let ConfigError::Invalid(fault) = error { fault.suggestion.as_ref() } else { None };
    UsageError { what, hint: suggestion.map(|word| format!("did you mean {word:?}?")) }
}

fn cells(end: &Ended, services: &[Definition]) -> Vec<String> {
    let Line { name, action, port, reason, .. } = &end.line;
    let port_cell = port.filter(|_| *action != Action::Failed).map_or_else(String::new, |port| port.to_string());
    let pid = format!("({})", pid_text(&end.line));
    let took = Duration::from_millis(end.line.ready_ms.unwrap_or_default());
    let last = match action {
        Action::Failed => {
            let log = end.line.log.as_ref().map_or_else(String::new, |_| format!("; ensure-up --logs {name}"));
            format!("{}{log}", reason.as_deref().unwrap_or("not up"))
        }
        action if action.is_start() || *action == Action::Joined => {
            format!("in {} {pid}{}", duration::elapsed(took), after(end, services))
        }
        _ => format!("({}{})", pid_text(&end.line), up(&end.line)),
    };
    vec![name.clone(), action.word().into(), port_cell, last]
}

fn pid_text(line: &Line) -> String {
    line.pid.map_or_else(|| "owner not visible to you".into(), |pid| format!("pid {pid}"))
}

fn up(line: &Line) -> String {
    let facts = line.pid.and_then(|pid| Facts::of(pid).ok().flatten());
    facts.map_or_else(String::new, |facts| format!(", up {}", duration::uptime(facts.uptime())))
}

fn after(end: &Ended, services: &[Definition]) -> String {
    let needed = &services[end.index].depends_on;
    if needed.is_empty() { String::new() } else { format!(", after {}", needed.join(", ")) }
}
