//! The same question again and again: redrawn on a terminal, streamed elsewhere.

use std::{
    io::Write,
    time::{Duration, Instant, SystemTime},
};

use port_who::Answer;
use proc_tree::cli::{
    args::OutputError,
    status::Exit,
    watch::{self, End, Medium, Pace, Round, Subject},
};

use super::{
    arguments::{Arguments, Format},
    hint, list,
    question::{self, Question},
    status::Status,
};

/// Asks again and again; yes when any round found something.
pub(super) fn watch(arguments: Arguments, interval: Duration, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let pace = Pace { first: Duration::ZERO, interval, count: arguments.count };
    let medium = Medium::of_stdout(arguments.format() != Format::Json);
    let Some(question) = Question::of(&arguments)? else { return Ok(Status::No.into()) };
    let mut ports = Ports::new(arguments, question);
    let end = watch::watch(&mut ports, &pace, medium, out)?;
    if medium == Medium::Screen {
        ports.hint(); // behind the last picture: the screen would have hidden it
    }
    if !ports.is_found {
        question::check(&ports.last)?;
    }
    Ok(match end {
        End::Signal(signal) => Exit::Signal(signal),
        End::Over if !ports.is_found => Status::No.into(),
        End::Over | End::Unread => Status::Done.into(),
    })
}

/// Ports under watch.
struct Ports {
    arguments: Arguments,
    question: Question,
    looked_at: Instant,
    sampled_at: SystemTime,
    last: Answer,
    /// Whether any round found something.
    is_found: bool,
    is_first: bool,
    is_hinted: bool,
}

impl Ports {
    fn new(arguments: Arguments, question: Question) -> Self {
        Self {
            arguments,
            question,
            looked_at: Instant::now(),
            sampled_at: SystemTime::now(),
            last: Answer::default(),
            is_found: false,
            is_first: true,
            is_hinted: false,
        }
    }

    /// Says once what would show the rest of an answer.
    fn hint(&mut self) {
        if !self.is_hinted {
            let hints = hint::of_answer(&self.last, &self.arguments);
            hint::say(&self.arguments, &hints);
            self.is_hinted = !hints.is_empty();
        }
    }
}

impl Subject for Ports {
    fn look(&mut self) -> anyhow::Result<Round> {
        (self.looked_at, self.sampled_at) = (Instant::now(), SystemTime::now());
        if self.question.is_over()? {
            return Ok(Round::Gone);
        }
        self.last = self.question.ask()?;
        self.is_found |= !self.last.holdings.is_empty();
        Ok(Round::Seen)
    }

    fn looked_at(&self) -> Instant {
        self.looked_at
    }

    fn draw(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        list::write(&self.arguments, &self.last, None, out)
    }

    fn stream(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        if !std::mem::take(&mut self.is_first) && self.arguments.format() != Format::Json {
            writeln!(out).map_err(OutputError)?; // an empty line between two rounds
        }
        list::write(&self.arguments, &self.last, Some(self.sampled_at), out)?;
        self.hint();
        Ok(())
    }
}
