//! The servers that were started: listed, stopped, their logs shown.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::PathBuf,
};

use ensure_up::{
    Action, Folders, Record, block_on,
    log::follow::Follow,
    report,
    report::status as listing,
    status::{self, Entry},
    stop::order,
};
use proc_tree::cli::{args::OutputError, terminal::Look, text};

use super::{Cli, Exit, Status, UsageError};

impl Cli {
    /// Lists the servers, with --watch again and again.
    pub(super) fn list(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let folders = Folders::find()?;
        if let Some(interval) = self.watch {
            return self.watch(&folders, interval, out);
        }
        let entries = status::survey(&folders, &self.names)?;
        self.print(&entries, out)?;
        Ok(Exit::With(self.judge(&entries)))
    }

    pub(super) fn print(&self, entries: &[Entry], out: &mut dyn Write) -> Result<(), OutputError> {
        if self.json {
            listing::json(entries, out)?;
        } else if self.pids {
            listing::pids(entries, out)?;
        } else {
            listing::table(entries, out, &Look::of(&io::stdout(), self.common.color))?;
        }
        Ok(())
    }

    /// A listing has been done; a server that was named has to be up.
    fn judge(&self, entries: &[Entry]) -> Status {
        let is_up = |name: &String| {
            entries.iter().any(|entry| entry.healthy && (entry.name == *name || entry.port.to_string() == *name))
        };
        let down: Vec<&String> = self.names.iter().filter(|name| !is_up(name)).collect();
        for name in down
            .iter()
            .filter(|name| !entries.iter().any(|entry| entry.name == ***name || entry.port.to_string() == ***name))
        {
            self.say(&format!("ensure-up: no server is named {name:?}"));
        }
        if down.is_empty() { Status::Done } else { Status::No }
    }

    /// Stops servers: those that are named, else all.
    pub(super) fn stop(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let folders = Folders::find()?;
        let mut names = self.names.clone();
        names.extend(self.options.port.iter().map(|ports| ports.low.to_string()));
        if self.all && !names.is_empty() {
            return Err(UsageError::new("--all stops every server: give either names or --all").into());
        }
        let records = order::order(&folders, &names)?;
        let found: HashSet<String> =
            records.iter().flat_map(|record| [record.name.clone(), record.port.to_string()]).collect();
        let mut exit = Exit::With(Status::Done);
        for name in names.iter().filter(|name| !found.contains(*name)) {
            self.note(&format!("{name}: not running"));
        }
        for record in records {
            let (name, port) = (record.name.clone(), record.port);
            match order::stop(&folders, record) {
                Ok(stopped) => self.stopped(&stopped, out)?,
                Err(failure) => {
                    exit = super::run::exit(&failure);
                    self.say(&format!(
                        "ensure-up: {} on port {port}: {}",
                        text::escape(&name),
                        super::run::message(&failure)
                    ));
                }
            }
        }
        Ok(exit)
    }

    fn stopped(&self, stopped: &order::Stopped, out: &mut dyn Write) -> Result<(), OutputError> {
        let Record { name, port, .. } = &stopped.record;
        if self.json {
            return Ok(report::Line::stopped(&stopped.record, stopped.identity).write(out)?);
        }
        let Some(identity) = stopped.identity else {
            self.note(&format!("{} on port {port}: not running", text::escape(name)));
            return Ok(());
        };
        let line = format!("{} {} on port {port} (pid {identity})", Action::Stopped.word(), text::escape(name));
        if self.pids {
            writeln!(out, "{identity}")?;
        } else {
            writeln!(out, "{line}")?;
        }
        Ok(out.flush()?)
    }

    /// Prints a log, with -f what comes as well.
    pub(super) fn print_log(&self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let port = self.options.port.map(|ports| ports.low.to_string());
        let names: Vec<&String> = self.names.iter().chain(&port).collect();
        let [name] = names.as_slice() else {
            return Err(UsageError::new("--logs takes one server: its name or its port").into());
        };
        let folders = Folders::find()?;
        let Some(path) = log_path(&folders, name)? else {
            self.say(&format!("ensure-up: no server is named {name:?}"));
            return Ok(Exit::With(Status::No));
        };
        if !path.exists() {
            self.say(&format!("ensure-up: there is no log {}", text::path(&path)));
            return Ok(Exit::With(Status::No));
        }
        let mut log = Follow::open(&path)?;
        loop {
            log.copy(out).map_err(OutputError)?;
            if !self.follow_log {
                return Ok(Exit::With(Status::Done));
            }
            block_on(log.changed())?;
        }
    }
}

/// A server that was stopped, or that never came up, may have left its log.
fn log_path(folders: &Folders, name: &str) -> anyhow::Result<Option<PathBuf>> {
    for port in Record::ports(folders)? {
        let record = Record::read(folders, port);
        if let Some(record) = record.filter(|record| record.name == name || port.to_string() == name) {
            return Ok(record.log);
        }
    }
    let left = folders.logs.join(format!("{name}.log"));
    Ok(name.parse::<u16>().ok().filter(|_| left.exists()).map(|_| left))
}
