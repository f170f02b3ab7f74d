//! What the stream at hand can show: colours, columns.

use std::{
    borrow::Cow,
    env,
    os::fd::{AsFd, BorrowedFd},
};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::cli::text;

/// The one style of PIDs, in every tool.
pub const PID: Style = AnsiColor::Cyan.on_default();

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set, `CLICOLOR` is 0 or `TERM` is `dumb`; everywhere where `CLICOLOR_FORCE` or
    /// `FORCE_COLOR` is set and not 0.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to write to one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether to colour.
    pub color: bool,
    /// How many columns the terminal has; `None` where there is no terminal, and nothing is cut.
    pub columns: Option<usize>,
}

impl Look {
    /// Finds out what the stream can show.
    pub fn of(stream: &impl AsFd, color: Color) -> Self {
        let stream = stream.as_fd();
        let terminal = rustix::termios::isatty(stream);
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let value = |name| env::var_os(name).filter(|value| !value.is_empty());
                let is_on = |name| value(name).is_some_and(|value| value != "0");
                let is_plain = value("CLICOLOR").is_some_and(|value| value == "0")
                    || env::var_os("TERM").is_some_and(|term| term == "dumb");
                let is_forced = is_on("CLICOLOR_FORCE") || is_on("FORCE_COLOR");
                value("NO_COLOR").is_none() && (is_forced || (terminal && !is_plain))
            }
        };
        Self { color, columns: if terminal { columns(stream) } else { None } }
    }

    /// No colour, no cut: for pipes and files.
    pub fn plain() -> Self {
        Self { color: false, columns: None }
    }

    /// Cuts a text that starts in column `start` at the terminal's edge.
    pub fn cut<'t>(&self, line: &'t str, start: usize) -> Cow<'t, str> {
        match self.columns {
            Some(columns) => text::cut(line, columns.saturating_sub(start)),
            None => Cow::Borrowed(line),
        }
    }

    /// Returns the text with each PID in it in the style of PIDs, where colours are shown: `pid 4711`, `process 4711`,
    /// `python3 (4711)`, `python3 (4711, 19.8 GiB)`, `kill 4711 4712`.
    pub fn pids<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.color {
            return Cow::Borrowed(text);
        }
        let (mut painted, mut done, mut killed) = (String::new(), 0, None);
        while let Some(found) = text[done..].find(|one: char| one.is_ascii_digit()) {
            let start = done + found;
            let end = text[start..].find(|one: char| !one.is_ascii_digit()).map_or(text.len(), |length| start + length);
            let (before, after) = (&text[..start], &text[end..]);
            let is_killed = is_behind(before, "kill ") || (killed == Some(done) && &text[done..start] == " ");
            killed = is_killed.then_some(end);
            painted += &text[done..start];
            painted += &if is_killed || is_pid(before, after) {
                self.paint(PID, &text[start..end])
            } else {
                text[start..end].to_owned()
            };
            done = end;
        }
        Cow::Owned(painted + &text[done..])
    }

    /// Returns the text in a style, where colours are shown.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Tells whether a number between these texts is a PID.
fn is_pid(before: &str, after: &str) -> bool {
    let in_brackets = || before.ends_with(" (") && (after.starts_with(')') || after.starts_with(", "));
    is_behind(before, "pid ") || is_behind(before, "process ") || in_brackets()
}

/// Tells whether the text ends with this, which begins a word: `port-kill 8000` is about no PID.
fn is_behind(text: &str, end: &str) -> bool {
    text.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with([' ', '(']))
}

/// A terminal that says 0 (a serial line, `script` without a window) has no known width.
fn columns(terminal: BorrowedFd<'_>) -> Option<usize> {
    let told = rustix::termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col));
    told.filter(|&columns| columns > 0).or_else(|| env::var("COLUMNS").ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_in_a_text_have_their_style_where_colours_are_shown() {
        let color = Look { color: true, columns: None };
        assert_eq!(color.pids("by pid 12; (pid 4)"), "by pid \x1b[36m12\x1b[0m; (pid \x1b[36m4\x1b[0m)");
        for (text, painted) in [
            ("python3 (7) is", "python3 (<7>) is"),
            ("80  killed  x (7, 19.8 GiB)  after 5 s", "80  killed  x (<7>, 19.8 GiB)  after 5 s"),
            ("hint: kill 7 8 ends 2", "hint: kill <7> <8> ends 2"),
            ("sudo port-kill 80", "sudo port-kill 80"),
            ("x (3 ms) (127.0.0.1, 200)", "x (3 ms) (127.0.0.1, 200)"),
            ("a pid of 7", "a pid of 7"),
            ("process 7 (x) ended", "process <7> (x) ended"),
        ] {
            assert_eq!(color.pids(text), painted.replace('<', "\x1b[36m").replace('>', "\x1b[0m"));
        }
        assert_eq!(Look::plain().pids("pid 12"), "pid 12");
    }
}
