//! Looking again and again: one picture over the other on a terminal, a stream elsewhere.

use std::{
    env,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;

use super::{
    args::OutputError,
    clock,
    keyboard::{Keyboard, in_front},
    screen::Screen,
    signals::{Caught, Event, Signals},
    terminal::{Color, Look},
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

impl Pace {
    const INTERVAL: Duration = Duration::from_secs(2);

    /// Returns how often is looked, if it is more than once: only the rounds may have been counted.
    pub fn interval(watch: Option<Duration>, count: Option<u64>) -> Option<Duration> {
        watch.or_else(|| count.map(|_| Self::INTERVAL))
    }
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
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        if is_picture && !is_dumb && io::stdout().is_terminal() { Self::Screen } else { Self::Stream }
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
    /// Nobody reads the stream any more, or looks: the key `q`.
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

    /// Says which keys there are beside `q`, and what they have led to; on a terminal only.
    fn keys(&self) -> String {
        String::new()
    }

    /// Takes a key; tells whether it changes what is drawn.
    fn press(&mut self, _key: char) -> bool {
        false
    }

    /// Tells whether something is left to be done after a stream that a signal ends. If not, the signal ends it at
    /// once, also while it waits for a slow reader.
    fn outlives_its_stream(&self) -> bool {
        false
    }
}

/// What ends a watch.
const ENDING: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// What a terminal tells beside.
const TOLD: [Signal; 3] = [Signal::WINCH, Signal::TSTP, Signal::CONT];

/// What a person sees when there is nothing.
const NOTHING: &str = "(nothing)";

/// Looks until it is over: the terminal is given back then, and what was seen last stays on it.
///
/// # Errors
/// When a look or a write failed; the terminal is given back all the same.
pub fn watch(subject: &mut dyn Subject, pace: &Pace, medium: Medium, out: &mut dyn Write) -> anyhow::Result<End> {
    let caught = match medium {
        Medium::Screen => [&ENDING[..], &TOLD].concat(),
        _ if subject.outlives_its_stream() => ENDING.to_vec(),
        _ => Vec::new(),
    };
    let signals = Signals::catch(&caught).context("cannot catch signals")?;
    let mut view = View { screen: Screen::default(), keyboard: Keyboard::new(), medium, pace: *pace, shown: None, out };
    let end = view.rounds(subject, &signals);
    let left = view.leave(subject);
    let end = end?;
    // a terminal that went away takes nothing more, and its signal has said so
    if !matches!(end, End::Signal(_)) {
        left?;
    }
    Ok(end)
}

/// What the reader sees. A terminal is given back when this is dropped.
struct View<'o> {
    screen: Screen,
    keyboard: Keyboard,
    medium: Medium,
    pace: Pace,
    /// How many rounds were shown, and when the last of them was.
    shown: Option<(u64, SystemTime)>,
    out: &'o mut dyn Write,
}

impl View<'_> {
    fn rounds(&mut self, subject: &mut dyn Subject, signals: &Signals) -> anyhow::Result<End> {
        let stdout = io::stdout();
        let mut pause = self.pace.first;
        if self.medium == Medium::Screen {
            self.keyboard.take();
        }
        loop {
            let next = subject.looked_at().checked_add(pause);
            match self.wait(signals, &stdout, next).context("cannot wait for the next round")? {
                Event::Signal(Caught { signal: Signal::WINCH | Signal::CONT, .. }) => self.redraw(subject)?,
                Event::Signal(Caught { signal: Signal::TSTP, .. }) => self.halt(subject)?,
                Event::Signal(caught) => return Ok(End::Signal(caught.signal)),
                Event::Ended if self.medium != Medium::Screen => return Ok(End::Unread),
                Event::Ended => {
                    if self.press(subject)? {
                        return Ok(End::Unread);
                    }
                }
                Event::Deadline => {
                    let round = subject.look()?;
                    if round == Round::Gone {
                        return Ok(End::Over);
                    }
                    let shown = self.show(subject)?;
                    if round == Round::Last || self.pace.count.is_some_and(|count| shown >= count) {
                        return Ok(End::Over);
                    }
                    pause = self.pace.interval;
                }
            }
        }
    }

    /// Waits for the next look, for a signal, for a key, or for the end of a stream; a terminal's end is told by SIGHUP.
    fn wait(&self, signals: &Signals, stdout: &io::Stdout, next: Option<Instant>) -> io::Result<Event> {
        match self.medium {
            Medium::Screen => signals.wait(self.keyboard.source(), next),
            Medium::Stream if !rustix::termios::isatty(stdout) => signals.wait_while_read(Some(stdout.as_fd()), next),
            Medium::Stream | Medium::File => signals.wait(None, next),
        }
    }

    /// Shows one round more; returns how many there were.
    fn show(&mut self, subject: &mut dyn Subject) -> anyhow::Result<u64> {
        let shown = self.shown.map_or(0, |(count, _)| count) + 1;
        self.shown = Some((shown, SystemTime::now()));
        if self.medium == Medium::Screen {
            self.redraw(subject)?;
        } else {
            subject.stream(self.out)?;
        }
        Ok(shown)
    }

    /// There is something new, the terminal's size changed, or it is ours again. In the background it is the shell's: nothing
    /// is drawn there.
    fn redraw(&mut self, subject: &dyn Subject) -> anyhow::Result<()> {
        let (Medium::Screen, Some((_, at))) = (self.medium, self.shown) else { return Ok(()) };
        if in_front(&io::stdout()) == Some(false) {
            return Ok(());
        }
        self.keyboard.take();
        let mut picture = Vec::new();
        subject.draw(&mut picture)?;
        let picture = String::from_utf8_lossy(&picture);
        let picture = if picture.is_empty() { NOTHING } else { &picture };
        let head = self.head(subject, at);
        let head = Look::of(&io::stdout(), Color::Never).cut(&head, 0).into_owned();
        let picture = format!("{head}\n{picture}");
        Ok(self.screen.draw(&picture, &io::stdout(), self.out).map_err(OutputError)?)
    }

    /// Says when it was looked, how often that is done, and which keys there are.
    fn head(&self, subject: &dyn Subject, at: SystemTime) -> String {
        let interval = format!("every {}", humantime::format_duration(self.pace.interval));
        let keys = self.keyboard.source().map(|_| [subject.keys(), "q ends".into()]);
        let parts = clock::second(at).into_iter().chain([interval]).chain(keys.into_iter().flatten());
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    }

    /// Takes the keys that were pressed; tells whether one of them ends the view.
    fn press(&mut self, subject: &mut dyn Subject) -> anyhow::Result<bool> {
        for key in self.keyboard.pressed() {
            if key == 'q' {
                return Ok(true);
            }
            if subject.press(key) {
                self.redraw(subject)?;
            }
        }
        Ok(false)
    }

    /// Gives the terminal back while the shell has it: Ctrl-Z.
    fn halt(&mut self, subject: &dyn Subject) -> anyhow::Result<()> {
        self.give_back()?;
        Signals::halt_by(Signal::TSTP).context("cannot catch signals")?;
        self.redraw(subject)
    }

    fn give_back(&mut self) -> anyhow::Result<()> {
        self.keyboard.give_back();
        Ok(self.screen.leave(self.out).map_err(OutputError)?)
    }

    /// Leaves the last picture where the shell goes on.
    fn leave(mut self, subject: &dyn Subject) -> anyhow::Result<()> {
        self.give_back()?;
        if self.medium == Medium::Screen && self.shown.is_some() { subject.draw(self.out) } else { Ok(()) }
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        let _ = self.give_back();
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
            let pace = Pace { first: Duration::ZERO, interval: Duration::from_secs(1), count: None };
            let (screen, keyboard) = (Screen::default(), Keyboard::new());
            let shown = Some((1, SystemTime::now()));
            let mut view = View { screen, keyboard, medium: Medium::Screen, pace, shown, out: &mut out };
            view.redraw(&Counter::up_to(1)).expect("a vector takes everything");
            panic!("while it is drawn");
        }));
        assert!(caught.is_err());
        assert!(String::from_utf8_lossy(&out).ends_with("\x1b[?1049l"), "{out:?}");
    }
}
