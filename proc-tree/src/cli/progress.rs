//! What a person sees while a tool waits: one line on standard error, redrawn, on a terminal; nothing elsewhere.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use super::{
    terminal::{Color, Look},
    text,
};

/// The signs that turn, one for each time that a line is drawn.
pub const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// How a tool tells what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A line that is redrawn, on a terminal.
    Drawn,
    /// A line for what is new.
    Lines,
    /// Not at all.
    Silent,
}

impl Manner {
    /// Chooses it by where standard error goes.
    pub fn of(quiet: bool) -> Self {
        if quiet {
            Self::Silent
        } else if Progress::is_seen(false) {
            Self::Drawn
        } else {
            Self::Lines
        }
    }
}

/// The line. It is gone when this value is.
#[derive(Debug, Default)]
pub struct Progress {
    frame: usize,
    is_drawn: bool,
    color: Color,
}

impl Progress {
    /// Tells whether there is anybody to see it.
    pub fn is_seen(quiet: bool) -> bool {
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        !quiet && !is_dumb && io::stderr().is_terminal()
    }

    /// Colours it so.
    pub fn colored(color: Color) -> Self {
        Self { color, ..Self::default() }
    }

    /// Returns how many columns there are for a line: behind the sign that turns, and before ^C, which a terminal writes behind
    /// the line and which then must not go on in the next one.
    pub fn room(&self) -> usize {
        self.look().columns.unwrap_or(80).saturating_sub(5)
    }

    fn look(&self) -> Look {
        Look::of(&io::stderr(), self.color)
    }

    /// Draws the line anew, in one write, so that it does not flicker.
    pub fn draw(&mut self, line: &str) {
        let line = text::cut(line, self.room());
        let line = format!("{} {line}", FRAMES[self.frame % FRAMES.len()]);
        self.frame += 1;
        self.is_drawn = true;
        // progress that cannot be told is no reason to stop waiting
        let _ = write!(io::stderr(), "\r{}\x1b[K", self.look().pids(&line));
    }

    /// Clears the line, so that something else can be said.
    pub fn clear(&mut self) {
        if self.is_drawn {
            self.wipe();
        }
    }

    /// Clears the line, and what the terminal has written there since: ^C.
    pub fn wipe(&mut self) {
        if self.frame > 0 {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
        self.is_drawn = false;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
