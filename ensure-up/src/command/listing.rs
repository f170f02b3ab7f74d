//! `--status`: the servers, once or again and again.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use ensure_up::{
    Folders,
    report::listing,
    status::{self, ServerStatus},
};
use proc_tree::cli::{
    args::OutputError,
    status::Exit,
    terminal::Look,
    watch::{self, End, Medium, Pace, Round, Subject},
};

use super::{arguments::Arguments, status::Status, words};

/// Lists the servers, with --watch again and again.
pub(super) fn list(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let folders = Folders::find()?;
    let mut servers = Servers { arguments, folders: &folders, last: Vec::new(), began: Instant::now() };
    if let Some(interval) = arguments.watch {
        let pace = Pace { first: Duration::ZERO, interval, count: None };
        let medium = Medium::of_stdout(!arguments.json && !arguments.pids);
        return Ok(match watch::watch(&mut servers, &pace, medium, out)? {
            End::Signal(signal) => Exit::Signal(signal),
            End::Over | End::Unread => Status::Done.into(),
        });
    }
    servers.look()?;
    servers.draw(out)?;
    Ok(judge(&arguments.names, &servers.last).into())
}

/// The servers as they are listed.
struct Servers<'a> {
    arguments: &'a Arguments,
    folders: &'a Folders,
    last: Vec<ServerStatus>,
    began: Instant,
}

impl Subject for Servers<'_> {
    fn look(&mut self) -> anyhow::Result<Round> {
        self.began = Instant::now();
        self.last = status::survey(self.folders, &self.arguments.names)?;
        Ok(Round::Seen)
    }

    fn looked_at(&self) -> Instant {
        self.began
    }

    fn draw(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let written = if self.arguments.json {
            listing::json(&self.last, out)
        } else if self.arguments.pids {
            listing::pids(&self.last, out)
        } else {
            listing::table(&self.last, out, &Look::of(&io::stdout(), self.arguments.common.color))
        };
        Ok(written.map_err(OutputError)?)
    }

    fn stream(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        self.draw(out)
    }
}

/// A listing has been done; a server that was named has to be up.
fn judge(names: &[String], servers: &[ServerStatus]) -> Status {
    let mut status = Status::Done;
    for name in names {
        let mut called =
            servers.iter().filter(|server| server.name == *name || server.port.to_string() == *name).peekable();
        if called.peek().is_none() {
            words::say(&format!("ensure-up: no server is named {name:?}"));
        }
        if !called.any(|server| server.healthy) {
            status = Status::No;
        }
    }
    status
}
