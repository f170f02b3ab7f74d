//! `--status --watch`: the servers again and again, as a picture on a terminal or as records.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use ensure_up::{
    Folders,
    report::status as listing,
    status::{self, Entry},
};
use proc_tree::Signal;
use proc_tree::cli::{
    args::OutputError,
    screen::Screen,
    signals::{Event, Signals},
    terminal::Look,
};

use super::{Cli, Exit};

impl Cli {
    /// Lists the servers until a signal comes, by which this tool then ends. What was seen last stays on the terminal.
    pub(super) fn watch(&self, folders: &Folders, interval: Duration, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let signals = Signals::catch(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::WINCH])?;
        let is_picture = io::stdout().is_terminal() && !self.json && !self.pids;
        let mut screen = is_picture.then(Screen::default);
        let mut last = Vec::new();
        let ended = self.rounds(folders, interval, &signals, screen.as_mut(), &mut last, out);
        if let Some(screen) = &mut screen {
            screen.leave(out).map_err(OutputError)?;
            self.print(&last, out)?;
        }
        Ok(Exit::By(ended?))
    }

    fn rounds(
        &self,
        folders: &Folders,
        interval: Duration,
        signals: &Signals,
        mut screen: Option<&mut Screen>,
        last: &mut Vec<Entry>,
        out: &mut dyn Write,
    ) -> anyhow::Result<Signal> {
        loop {
            let started = Instant::now();
            *last = status::survey(folders, &self.names)?;
            loop {
                match &mut screen {
                    Some(screen) => self.draw(last, screen, out)?,
                    None => self.print(last, out)?,
                }
                match signals.wait(None, Some(started + interval))? {
                    Event::Signal(caught) if caught.signal != Signal::WINCH => return Ok(caught.signal),
                    Event::Signal(_) if screen.is_some() => {}
                    Event::Signal(_) | Event::Deadline | Event::Ended => break,
                }
            }
        }
    }

    fn draw(&self, entries: &[Entry], screen: &mut Screen, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut picture = Vec::new();
        listing::table(entries, &mut picture, &Look::of(&io::stdout(), self.common.color))?;
        Ok(screen.draw(&String::from_utf8_lossy(&picture), &io::stdout(), out).map_err(OutputError)?)
    }
}
