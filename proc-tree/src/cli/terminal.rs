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

    /// Returns the text with each `pid 4711` in it in the style of PIDs, where colours are shown.
    pub fn pids<'t>(&self, text: &'t str) -> Cow<'t, str> {
        const BEFORE: &str = "pid ";
        if !self.color || !text.contains(BEFORE) {
            return Cow::Borrowed(text);
        }
        let mut parts = text.split(BEFORE);
        let mut painted = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|one: char| !one.is_ascii_digit()).unwrap_or(part.len());
            painted += BEFORE;
            painted += &if end > 0 { self.paint(PID, &part[..end]) } else { String::new() };
            painted += &part[end..];
        }
        Cow::Owned(painted)
    }

    /// Returns the text in a style, where colours are shown.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
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
        assert_eq!(color.pids("a pid of 7"), "a pid of 7");
        assert_eq!(Look::plain().pids("pid 12"), "pid 12");
    }
}
