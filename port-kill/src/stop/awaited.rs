//! Who is waited for while processes are stopped.

use std::time::Instant;

use proc_tree::{Signal, cli::text};

/// Who is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited<'a> {
    /// The name of the first of them.
    pub name: &'a str,
    /// Its PID.
    pub pid: u32,
    /// How many others there are.
    pub others: usize,
    /// What it was sent.
    pub signal: Option<Signal>,
    /// When it is sent SIGKILL; `None` where it is not, or was.
    pub kills_at: Option<Instant>,
}

/// Is told who is waited for, several times a second; not at all of what ends at once.
pub type Observer<'o> = dyn FnMut(&Awaited<'_>) + 'o;

impl Awaited<'_> {
    /// Words it: `postgres (310) and 2 others are asked to end by SIGINT; SIGKILL in 3 s`.
    pub fn words(&self, now: Instant) -> String {
        let Self { name, pid, others, signal, kills_at } = self;
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
            let awaited = Awaited { name: "postgres", pid: 310, others, signal, kills_at };
            assert_eq!(awaited.words(now), said);
        }
        let evil = Awaited { name: "\x1b[2J", pid: 7, others: 0, signal: None, kills_at: None };
        assert!(!evil.words(now).contains('\x1b'));
    }
}
