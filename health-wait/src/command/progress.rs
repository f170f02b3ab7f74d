//! What a person sees while waiting: one line, redrawn, on a terminal; a line for each new reason elsewhere.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Style};
use health_wait::{Event, Goal, Target};
use proc_tree::cli::{
    progress::{FRAMES, Manner},
    terminal::{Color, Look},
    text,
};

use super::{arguments::Arguments, report};

/// How often the line is redrawn; what is healthy before that needs none.
pub(super) const FRAME: Duration = Duration::from_millis(120);
const GREEN: Style = AnsiColor::Green.on_default();

/// The progress of a wait, on stderr.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    targets: &'a [Target],
    goal: Goal,
    manner: Manner,
    color: Color,
    started: Instant,
    timeout: Option<Duration>,
    /// What was last heard of each target; `None` once it is as awaited.
    reasons: Vec<Option<String>>,
    frame: usize,
    is_drawn: bool,
}

impl<'a> Progress<'a> {
    /// Begins to tell of the wait that is asked for.
    pub(super) fn of(arguments: &'a Arguments) -> Self {
        let manner = match Manner::of(arguments.common.quiet) {
            // one attempt makes no progress that its outcome would not tell
            Manner::Lines if arguments.once => Manner::Silent,
            manner => manner,
        };
        let mut progress = Self::new(&arguments.targets, arguments.goal(), arguments.timeout(), manner);
        progress.color = arguments.common.color;
        progress
    }

    fn new(targets: &'a [Target], goal: Goal, timeout: Option<Duration>, manner: Manner) -> Self {
        let (color, started) = (Color::Never, Instant::now());
        let reasons = vec![Some(String::new()); targets.len()];
        Self { targets, goal, manner, color, started, timeout, reasons, frame: 0, is_drawn: false }
    }

    /// Tells whether there is a line to redraw.
    pub(super) fn is_redrawn(&self) -> bool {
        self.manner == Manner::Drawn
    }

    /// Takes in what happened to a target.
    pub(super) fn happened(&mut self, target: usize, event: &Event<'_>) {
        match event {
            Event::Changed(reason) => {
                if self.manner == Manner::Lines {
                    Self::print(&format!("waiting for {}: {reason}", self.name(target)));
                }
                self.reasons[target] = Some((*reason).to_owned());
            }
            Event::Reached(record) => {
                let said_before = self.reasons[target].take().is_some_and(|reason| !reason.is_empty());
                if self.manner == Manner::Drawn || (self.manner == Manner::Lines && said_before) {
                    self.clear();
                    let word = match self.goal {
                        Goal::Up => "healthy:",
                        Goal::Down => "down:",
                    };
                    let word = Look::of(&io::stderr(), self.color).paint(GREEN, word);
                    Self::print(&format!("{word} {}", report::reached(record, self.goal)));
                }
            }
        }
    }

    /// Draws the line anew, in one write, so that it does not flicker.
    pub(super) fn draw(&mut self) {
        let Some(target) = self.reasons.iter().position(Option::is_some) else { return };
        let columns = Look::of(&io::stderr(), self.color).columns.unwrap_or(80);
        self.frame += 1;
        let line = self.line(target, columns.saturating_sub(1));
        let _ = write!(io::stderr(), "\r{line}\x1b[K");
        self.is_drawn = true;
    }

    fn line(&self, target: usize, columns: usize) -> String {
        let seconds = self.started.elapsed().as_secs();
        let limit = self.timeout.map(|timeout| format!(" of {}", limit(timeout))).unwrap_or_default();
        let reached = self.reasons.iter().filter(|reason| reason.is_none()).count();
        let count =
            if self.targets.len() > 1 { format!(" ({reached} of {})", self.targets.len()) } else { String::new() };
        let reason = self.reasons[target].as_deref().filter(|reason| !reason.is_empty()).unwrap_or("asking");
        let time = format!(", {seconds} s{limit}");
        let head = format!("{} {}{count}  {reason}", FRAMES[self.frame % FRAMES.len()], self.name(target));
        let head = text::cut(&head, columns.saturating_sub(text::width(&time))).into_owned();
        text::cut(&(head + &time), columns).into_owned()
    }

    /// Wipes the line off the terminal.
    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn print(line: &str) {
        // progress that cannot be told is no reason to stop waiting
        let _ = writeln!(io::stderr(), "{line}");
    }

    fn name(&self, target: usize) -> String {
        text::escape(&self.targets[target].to_string()).into_owned()
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Shows the time limit: whole seconds as seconds, anything else as it would be written.
fn limit(timeout: Duration) -> String {
    if timeout.subsec_nanos() == 0 {
        format!("{} s", timeout.as_secs())
    } else {
        proc_tree::cli::duration::elapsed(timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_keeps_within_its_columns_and_never_loses_the_time() {
        let targets = ["http://localhost:8000/health".parse().expect("a target"), ":1".parse().expect("a target")];
        let mut progress = Progress::new(&targets, Goal::Up, Some(Duration::from_secs(30)), Manner::Silent);
        progress.happened(0, &Event::Changed("503 Service Unavailable"));
        let whole = "⠋ http://localhost:8000/health (0 of 2)  503 Service Unavailable, 0 s of 30 s";
        assert_eq!(progress.line(0, 100), whole);
        assert_eq!(progress.line(0, 40), "⠋ http://localhost:8000/he…, 0 s of 30 s");
        assert_eq!(progress.line(0, 10), ", 0 s of …");
        let progress = Progress::new(&targets[1..], Goal::Up, None, Manner::Silent);
        assert_eq!(progress.line(0, 100), "⠋ :1  asking, 0 s");
    }
}
