//! Looking at trees again and again, until told otherwise, until all are gone or until a limit is exceeded.

use std::{io::Write, time::Instant};

use proc_tree::{
    TreeRecord,
    cli::{
        status::Exit,
        watch::{self, End, Medium, Pace, Round, Subject},
    },
    report::{Format, Sort},
};

use super::{
    observer::Observer,
    output::{Destination, Output},
    status::Status,
};

/// Watches, and draws the chart at the end, whatever ended it.
pub(crate) fn watch(observer: Observer, pace: &Pace, mut output: Output, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let is_picture = matches!(output.format, Format::Table(_) | Format::Drawing(_));
    let medium = match output.destination {
        Destination::Stdout => Medium::of_stdout(is_picture),
        Destination::Stderr | Destination::File(_) => Medium::File,
    };
    if medium != Medium::Screen && matches!(output.format, Format::Table(_)) {
        output.format = Format::Lines;
    }
    let mut trees = Trees { observer, output, last: Vec::new(), is_first: true, over: Ok(false) };
    let end = watch::watch(&mut trees, pace, medium, out);
    trees.observer.say_notes();
    trees.observer.finish()?;
    let end = end?;
    let is_over = trees.over?;
    Ok(match end {
        End::Signal(signal) => Exit::Signal(signal),
        End::Over if is_over || trees.last.is_empty() => Status::No.into(),
        End::Over | End::Unread => Status::Done.into(),
    })
}

/// The keys that sort a view.
const ORDERS: [(char, &str, Sort); 3] =
    [('c', "CPU", Sort::Cpu), ('m', "memory", Sort::Memory), ('p', "PID", Sort::Pid)];

/// Trees under watch.
struct Trees {
    observer: Observer,
    output: Output,
    last: Vec<TreeRecord>,
    is_first: bool,
    /// Whether a limit is exceeded, as far as that can be told.
    over: anyhow::Result<bool>,
}

impl Trees {
    fn sort(&self) -> Option<Sort> {
        if let Format::Drawing(order) = self.output.format { order } else { self.observer.sort }
    }
}

impl Subject for Trees {
    fn look(&mut self) -> anyhow::Result<Round> {
        let records = self.observer.sample()?;
        if records.is_empty() {
            return Ok(Round::Gone);
        }
        self.over = self.observer.is_over(&records, true);
        self.last = records;
        Ok(if matches!(self.over, Ok(false)) { Round::Seen } else { Round::Last })
    }

    fn looked_at(&self) -> Instant {
        self.observer.sampler.since()
    }

    fn draw(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        self.output.write(&self.last, true, out)
    }

    fn stream(&mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        self.output.write(&self.last, std::mem::take(&mut self.is_first), out)?;
        self.observer.say_notes();
        Ok(())
    }

    fn keys(&self) -> String {
        let key = |(key, name, sort)| {
            let text = format!("{key} {name}");
            if self.sort() == Some(sort) { format!("[{text}]") } else { text }
        };
        format!("sort by {}", ORDERS.map(key).join(", "))
    }

    fn press(&mut self, key: char) -> bool {
        let Some(&(_, _, sort)) = ORDERS.iter().find(|(known, ..)| *known == key) else { return false };
        if let Format::Drawing(order) = &mut self.output.format {
            *order = Some(sort);
        } else {
            self.observer.sort = Some(sort);
            sort.apply(&mut self.last);
        }
        true
    }

    /// The chart is drawn at the end.
    fn outlives_its_stream(&self) -> bool {
        self.observer.chart.is_some()
    }
}
