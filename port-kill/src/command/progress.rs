//! What a person sees while port-kill waits: one line, redrawn, on a terminal; nothing elsewhere.

use std::{
    env,
    io::{self, IsTerminal, Write},
    time::Instant,
};

use port_kill::Awaited;
use proc_tree::cli::{
    terminal::{Color, Look},
    text,
};

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The line on standard error. It is gone when this value is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    frame: usize,
    is_drawn: bool,
}

impl Progress {
    /// Tells whether there is anybody to see it.
    pub(super) fn is_seen(quiet: bool) -> bool {
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        !quiet && !is_dumb && io::stderr().is_terminal()
    }

    /// Draws the line anew, in one write, so that it does not flicker.
    pub(super) fn draw(&mut self, awaited: &Awaited<'_>) {
        let columns = Look::of(&io::stderr(), Color::Never).columns.unwrap_or(80);
        let line = format!("{} {}", FRAMES[self.frame % FRAMES.len()], line(awaited, Instant::now()));
        self.frame += 1;
        self.is_drawn = true;
        // progress that cannot be told is no reason to stop waiting
        let _ = write!(io::stderr(), "\r{}\x1b[K", text::cut(&line, columns.saturating_sub(1)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// `postgres (310) and 2 others are asked to end by SIGINT; SIGKILL in 3 s`
fn line(awaited: &Awaited<'_>, now: Instant) -> String {
    let Awaited { name, pid, others, signal, kills_at } = awaited;
    let who = match others {
        0 => format!("{name} ({pid}) is"),
        1 => format!("{name} ({pid}) and another one are"),
        _ => format!("{name} ({pid}) and {others} others are"),
    };
    let by = match signal {
        Some(signal) => format!("asked to end by {signal}"),
        None => "stopped by its supervisor".to_owned(),
    };
    let left = kills_at.map(|at| at.saturating_duration_since(now).as_millis().div_ceil(1000));
    let until = left.map(|seconds| format!("; SIGKILL in {seconds} s")).unwrap_or_default();
    text::escape(&format!("{who} {by}{until}")).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proc_tree::Signal;

    use super::*;

    #[test]
    fn the_line_says_for_whom_and_until_when() {
        let now = Instant::now();
        let at = |ms| now.checked_add(Duration::from_millis(ms));
        for (others, signal, kills_at, said) in [
            (0, Some(Signal::INT), at(2500), "postgres (310) is asked to end by SIGINT; SIGKILL in 3 s"),
            (
                1,
                Some(Signal::TERM),
                at(5000),
                "postgres (310) and another one are asked to end by SIGTERM; SIGKILL in 5 s",
            ),
            (9, Some(Signal::KILL), None, "postgres (310) and 9 others are asked to end by SIGKILL"),
            (0, None, at(1), "postgres (310) is stopped by its supervisor; SIGKILL in 1 s"),
        ] {
            assert_eq!(line(&Awaited { name: "postgres", pid: 310, others, signal, kills_at }, now), said);
        }
        let evil = Awaited { name: "\x1b[2J", pid: 7, others: 0, signal: None, kills_at: None };
        assert!(!line(&evil, now).contains('\x1b'));
    }
}
