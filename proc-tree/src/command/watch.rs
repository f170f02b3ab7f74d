//! Looking again and again: redrawn on a terminal, streamed elsewhere.

use std::{io, time::Duration};

use proc_tree::Signal;
use proc_tree::{
    Record,
    cli::{
        args::OutputError,
        screen::Screen,
        signals::{Event, Signals},
    },
    report::Format,
};

use super::{
    observer::Observer,
    output::Output,
    status::{Ending, Status},
};

/// How long and how often to look.
pub(crate) struct Pace {
    /// From the start to the first report: there is something to see soon.
    pub(crate) first: Duration,
    pub(crate) interval: Duration,
    pub(crate) count: Option<u64>,
}

/// Why the watching ended.
enum End {
    Counted,
    Gone,
    Over,
    Signal(Signal),
}

/// Looks until told otherwise, until all trees are gone or until a limit is exceeded.
pub(crate) fn watch(mut observer: Observer, pace: &Pace, output: Output<'_>) -> anyhow::Result<Ending> {
    let signals = Signals::catch(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::WINCH])?;
    let mut view = View::new(output);
    let end = view.rounds(&mut observer, pace, &signals);
    // whatever ended it: the terminal is given back, what was seen last stays on it, and the chart is drawn
    let left = view.leave();
    observer.say_notes();
    observer.finish()?;
    let ending = match end? {
        End::Signal(signal) => Ending::Signal(signal),
        End::Over => Status::No.into(),
        End::Gone if view.shown == 0 => Status::No.into(),
        End::Counted | End::Gone => Status::Done.into(),
    };
    left?;
    Ok(ending)
}

/// What the reader sees.
struct View<'o> {
    output: Output<'o>,
    screen: Option<Screen>,
    last: Vec<Record>,
    shown: u64,
}

impl<'o> View<'o> {
    fn new(mut output: Output<'o>) -> Self {
        let is_picture = matches!(output.format, Format::Table(_) | Format::Drawing(_));
        let screen = (is_picture && output.is_terminal()).then(Screen::default);
        if screen.is_none() && matches!(output.format, Format::Table(_)) {
            output.format = Format::Lines;
        }
        Self { output, screen, last: Vec::new(), shown: 0 }
    }

    fn rounds(&mut self, observer: &mut Observer, pace: &Pace, signals: &Signals) -> anyhow::Result<End> {
        let mut pause = pace.first;
        loop {
            match signals.wait(None, Some(observer.sampler.since() + pause))? {
                Event::Signal(caught) if caught.signal == Signal::WINCH => self.redraw()?,
                Event::Signal(caught) => return Ok(End::Signal(caught.signal)),
                Event::Deadline | Event::Ended => {
                    let records = observer.sample()?;
                    if records.is_empty() {
                        return Ok(End::Gone);
                    }
                    let over = observer.is_over(&records, true);
                    self.last = records;
                    self.show()?;
                    if self.screen.is_none() {
                        observer.say_notes();
                    }
                    if over? {
                        return Ok(End::Over);
                    }
                    if pace.count.is_some_and(|count| self.shown >= count) {
                        return Ok(End::Counted);
                    }
                    pause = pace.interval;
                }
            }
        }
    }

    fn show(&mut self) -> Result<(), OutputError> {
        let first = self.shown == 0;
        self.shown += 1;
        if self.screen.is_some() { self.redraw() } else { self.output.write(&self.last, first) }
    }

    fn redraw(&mut self) -> Result<(), OutputError> {
        let Some(screen) = self.screen.as_mut().filter(|_| !self.last.is_empty()) else { return Ok(()) };
        let mut picture = Vec::new();
        self.output.format.write(&self.last, true, &mut picture, &self.output.look())?;
        Ok(screen.draw(&String::from_utf8_lossy(&picture), &io::stdout(), self.output.out)?)
    }

    /// Leaves the last picture, with its peaks, where the shell goes on.
    fn leave(&mut self) -> Result<(), OutputError> {
        let Some(mut screen) = self.screen.take() else { return Ok(()) };
        screen.leave(self.output.out)?;
        if self.shown > 0 { self.output.write(&self.last, true) } else { Ok(()) }
    }
}
