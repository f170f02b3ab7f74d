//! The same question again and again: redrawn on a terminal, streamed elsewhere.

use std::{
    io::{self, Stdout, Write},
    os::fd::AsFd,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use port_who::Answer;
use proc_tree::Signal;
use proc_tree::cli::{
    args::OutputError,
    screen::Screen,
    signals::{Event, Signals},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{
    cli::{Cli, Ending, Status},
    run::Format,
};

/// What a person sees when there is nothing.
const NOTHING: &[u8] = b"(nothing)\n";

/// Asks again and again; yes when any round found something.
pub(crate) fn watch(cli: &Cli, interval: Duration, on_terminal: bool) -> anyhow::Result<Ending> {
    let rounds = Rounds::start(interval, cli.count);
    if on_terminal { redraw(cli, rounds) } else { stream(cli, rounds) }
}

/// Streams rounds; a signal ends that, and there is nothing to tidy up.
fn stream(cli: &Cli, mut rounds: Rounds) -> anyhow::Result<Ending> {
    let stdout = io::stdout();
    let mut status = Status::No;
    let mut hinted = false;
    loop {
        let sampled_at = SystemTime::now();
        let answer = cli.ask()?;
        cli.report(&answer, Some(sampled_at), &mut stdout.lock())?;
        if !answer.holdings.is_empty() {
            status = Status::Done;
        }
        if !hinted {
            hinted = cli.hint_about(&answer);
        }
        if !rounds.another() {
            return Ok(status.into());
        }
        if is_closed_until(&stdout, rounds.next).context("cannot wait for the next round")? {
            return Ok(Status::Done.into());
        }
        if cli.format() != Format::Json {
            writeln!(stdout.lock()).map_err(OutputError)?; // an empty line between two rounds
        }
    }
}

/// Redraws one picture. Whatever ends it, the terminal is given back and the last picture left on it.
fn redraw(cli: &Cli, mut rounds: Rounds) -> anyhow::Result<Ending> {
    let signals = Signals::catch(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::WINCH])?;
    let stdout = io::stdout();
    let mut screen = Screen::default();
    let mut last = Answer::default();
    let ending = draw_rounds(cli, &mut rounds, &signals, &mut screen, &mut last);
    screen.leave(&mut stdout.lock()).map_err(OutputError)?;
    let ending = ending?;
    cli.report(&last, None, &mut stdout.lock())?;
    cli.hint_about(&last);
    Ok(ending)
}

fn draw_rounds(
    cli: &Cli,
    rounds: &mut Rounds,
    signals: &Signals,
    screen: &mut Screen,
    last: &mut Answer,
) -> anyhow::Result<Ending> {
    let stdout = io::stdout();
    let mut status = Status::No;
    loop {
        *last = cli.ask()?;
        draw(cli, last, screen, &stdout)?;
        if !last.holdings.is_empty() {
            status = Status::Done;
        }
        if !rounds.another() {
            return Ok(status.into());
        }
        while let Event::Signal(caught) = signals.wait(None, Some(rounds.next))? {
            if caught.signal != Signal::WINCH {
                return Ok(Ending::Signal(caught.signal));
            }
            draw(cli, last, screen, &stdout)?;
        }
    }
}

fn draw(cli: &Cli, answer: &Answer, screen: &mut Screen, stdout: &Stdout) -> anyhow::Result<()> {
    let mut picture = Vec::new();
    cli.report(answer, None, &mut picture)?;
    let picture = if picture.is_empty() { NOTHING } else { &picture };
    Ok(screen.draw(&String::from_utf8_lossy(picture), stdout, &mut stdout.lock()).map_err(OutputError)?)
}

/// Rounds at a steady beat: what a round takes does not put off the next one.
struct Rounds {
    next: Instant,
    interval: Duration,
    left: Option<u64>,
}

impl Rounds {
    /// Starts with the first round, which is due now; `count` is how many there are, or none for no end.
    fn start(interval: Duration, count: Option<u64>) -> Self {
        Self { next: Instant::now(), interval, left: count }
    }

    /// Ends a round; `false` when it was the last one, else the next is due at `next`.
    fn another(&mut self) -> bool {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        self.next = (self.next + self.interval).max(Instant::now());
        self.left != Some(0)
    }
}

/// Waits until then; `true` as soon as nobody reads the stream any more.
fn is_closed_until(stream: &impl AsFd, deadline: Instant) -> io::Result<bool> {
    loop {
        // no event is asked for: only that the other end was closed is told
        let mut watched = [PollFd::new(stream, PollFlags::empty())];
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut watched, Some(&timespec(left))) {
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_counted_and_keep_their_beat() {
        let mut rounds = Rounds::start(Duration::from_hours(1), Some(2));
        let first = rounds.next;
        assert!(rounds.another());
        assert_eq!(rounds.next, first + Duration::from_hours(1));
        assert!(!rounds.another());
        assert!((0..100).all(|_| Rounds::start(Duration::ZERO, None).another()));
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_wait() {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        let soon = Instant::now() + Duration::from_millis(1);
        assert!(!is_closed_until(&writer, soon).expect("poll works"));
        drop(reader);
        let late = Instant::now() + Duration::from_hours(1);
        assert!(is_closed_until(&writer, late).expect("poll works"));
    }
}
