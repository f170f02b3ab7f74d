//! Looking again and again: one picture over the other on a terminal, a stream elsewhere.

use std::{
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use anyhow::Context;

use super::{
    args::OutputError,
    screen::Screen,
    signals::{Event, Signals},
};
use crate::Signal;

/// How long and how often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From the start to the first look.
    pub first: Duration,
    /// From the beginning of a look to that of the next: what a look takes does not put off the next one.
    pub interval: Duration,
    /// How many looks there are; `None` for no end.
    pub count: Option<u64>,
}

/// Where the rounds go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// Standard output, which is a terminal: pictures on its alternate screen.
    Screen,
    /// Standard output as a stream: when its reader goes away, the watch is over.
    Stream,
    /// A file as a stream.
    File,
}

impl Medium {
    /// Chooses for standard output: pictures are for a terminal only.
    pub fn of_stdout(is_picture: bool) -> Self {
        if is_picture && io::IsTerminal::is_terminal(&io::stdout()) { Self::Screen } else { Self::Stream }
    }
}

/// What one look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// There is something to show, and more to come.
    Seen,
    /// There is something to show, and it is the last.
    Last,
    /// There is nothing left to look at or to show.
    Gone,
}

/// What ended a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was counted out, or a look was the last.
    Over,
    /// Nobody reads the stream any more.
    Unread,
    /// This signal, by which the command ends then.
    Signal(Signal),
}

/// What is watched.
pub trait Subject {
    /// Looks once more and keeps what it sees.
    ///
    /// # Errors
    /// When it cannot look: that ends the watch.
    fn look(&mut self) -> anyhow::Result<Round>;

    /// Returns when the last look began, or before the first one the watch.
    fn looked_at(&self) -> Instant;

    /// Draws what was seen last.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    fn draw(&self, out: &mut dyn Write) -> anyhow::Result<()>;

    /// Writes what was seen last as the next part of a stream, and says what is to be said beside it.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    fn stream(&mut self, out: &mut dyn Write) -> anyhow::Result<()>;

    /// Tells whether something is left to be done after a stream that a signal ends. If not, the signal ends it at
    /// once, also while it waits for a slow reader.
    fn outlives_its_stream(&self) -> bool {
        false
    }
}

const CAUGHT: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::WINCH];

/// What a person sees when there is nothing.
const NOTHING: &[u8] = b"(nothing)\n";

/// Looks until it is over: the terminal is given back then, and what was seen last stays on it.
///
/// # Errors
/// When a look or a write failed; the terminal is given back all the same.
pub fn watch(subject: &mut dyn Subject, pace: &Pace, medium: Medium, out: &mut dyn Write) -> anyhow::Result<End> {
    let is_caught = medium == Medium::Screen || subject.outlives_its_stream();
    let caught: &[Signal] = if is_caught { &CAUGHT } else { &[] };
    let signals = Signals::catch(caught).context("cannot catch signals")?;
    let mut view = View { screen: Screen::default(), medium, shown: 0, out };
    let end = view.rounds(subject, pace, &signals);
    let left = view.leave(subject);
    let end = end?;
    left?;
    Ok(end)
}

/// What the reader sees. A terminal is given back when this is dropped.
struct View<'o> {
    screen: Screen,
    medium: Medium,
    shown: u64,
    out: &'o mut dyn Write,
}

impl View<'_> {
    fn rounds(&mut self, subject: &mut dyn Subject, pace: &Pace, signals: &Signals) -> anyhow::Result<End> {
        let stdout = io::stdout();
        let reader = self.reader(&stdout);
        let mut pause = pace.first;
        loop {
            let next = subject.looked_at().checked_add(pause);
            match signals.wait_while_read(reader, next).context("cannot wait for the next round")? {
                Event::Signal(caught) if caught.signal == Signal::WINCH => self.redraw(subject)?,
                Event::Signal(caught) => return Ok(End::Signal(caught.signal)),
                Event::Ended => return Ok(End::Unread),
                Event::Deadline => {
                    let round = subject.look()?;
                    if round == Round::Gone {
                        return Ok(End::Over);
                    }
                    self.show(subject)?;
                    if round == Round::Last || pace.count.is_some_and(|count| self.shown >= count) {
                        return Ok(End::Over);
                    }
                    pause = pace.interval;
                }
            }
        }
    }

    /// A terminal's end is told by SIGHUP.
    fn reader<'s>(&self, stdout: &'s io::Stdout) -> Option<BorrowedFd<'s>> {
        let stream = self.medium == Medium::Stream && !rustix::termios::isatty(stdout);
        stream.then(|| stdout.as_fd())
    }

    fn show(&mut self, subject: &mut dyn Subject) -> anyhow::Result<()> {
        self.shown += 1;
        if self.medium == Medium::Screen { self.redraw(subject) } else { subject.stream(self.out) }
    }

    /// The terminal's size changed, or there is something new.
    fn redraw(&mut self, subject: &dyn Subject) -> anyhow::Result<()> {
        if self.medium != Medium::Screen || self.shown == 0 {
            return Ok(());
        }
        let mut picture = Vec::new();
        subject.draw(&mut picture)?;
        let picture = if picture.is_empty() { NOTHING } else { &picture };
        let picture = String::from_utf8_lossy(picture);
        Ok(self.screen.draw(&picture, &io::stdout(), self.out).map_err(OutputError)?)
    }

    /// Leaves the last picture where the shell goes on.
    fn leave(mut self, subject: &dyn Subject) -> anyhow::Result<()> {
        self.screen.leave(self.out).map_err(OutputError)?;
        if self.medium == Medium::Screen && self.shown > 0 { subject.draw(self.out) } else { Ok(()) }
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        let _ = self.screen.leave(self.out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts looks; the last is the one with this number.
    struct Counter {
        looks: u64,
        last: u64,
        began: Instant,
    }

    impl Counter {
        fn up_to(last: u64) -> Self {
            Self { looks: 0, last, began: Instant::now() }
        }
    }

    impl Subject for Counter {
        fn look(&mut self) -> anyhow::Result<Round> {
            self.began = Instant::now();
            self.looks += 1;
            Ok(if self.looks == self.last { Round::Last } else { Round::Seen })
        }

        fn looked_at(&self) -> Instant {
            self.began
        }

        fn draw(&self, out: &mut dyn Write) -> anyhow::Result<()> {
            Ok(writeln!(out, "{}", self.looks)?)
        }

        fn stream(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
            self.draw(out)
        }
    }

    #[test]
    fn rounds_are_counted_and_a_subject_may_end_them() {
        for (last, count, said) in [(9, Some(2), "1\n2\n"), (3, Some(5), "1\n2\n3\n"), (1, None, "1\n")] {
            let pace = Pace { first: Duration::ZERO, interval: Duration::from_millis(1), count };
            let mut out = Vec::new();
            let end =
                watch(&mut Counter::up_to(last), &pace, Medium::File, &mut out).expect("a vector takes everything");
            assert_eq!((end, String::from_utf8_lossy(&out).as_ref()), (End::Over, said));
        }
    }

    #[test]
    fn a_terminal_is_given_back_also_when_a_panic_unwinds() {
        let mut out = Vec::new();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut view = View { screen: Screen::default(), medium: Medium::Screen, shown: 1, out: &mut out };
            view.redraw(&Counter::up_to(1)).expect("a vector takes everything");
            panic!("while it is drawn");
        }));
        assert!(caught.is_err());
        assert!(String::from_utf8_lossy(&out).ends_with("\x1b[?1049l"), "{out:?}");
    }
}
