//! What all ways of looking have in common: a sample, what is noted of it, and whether it keeps to the limits.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use nix::unistd::geteuid;
use proc_tree::{
    Identity, Sampler, TreeRecord,
    cli::{
        terminal::{Color, Look, PID},
        text,
    },
    report::{Sort, plot::Chart},
    roots::Root,
    sample::sampler::Options,
};

use super::{limits::Limits, output::cannot_write};

pub(crate) const UNREADABLE: &str = "cannot read the process table";

/// Trees that are looked at, once or many times.
pub(crate) struct Observer {
    pub(crate) sampler: Sampler,
    pub(crate) limits: Limits,
    pub(crate) sort: Option<Sort>,
    /// In which colours it says what is to be said beside the results, if it says anything.
    pub(crate) says: Option<Color>,
    pub(crate) chart: Option<ChartFile>,
    /// Whether the end of a tree is news.
    pub(crate) names_the_gone: bool,
    seen: Vec<(Identity, String)>,
    notes: Vec<String>,
    warned: bool,
}

impl Observer {
    pub(crate) fn new(roots: Vec<Root>, options: Options, limits: Limits) -> anyhow::Result<Self> {
        let seen = roots.iter().map(|root| (root.identity, root.name.clone())).collect();
        let sampler = Sampler::new(roots, options).context(UNREADABLE)?;
        let (notes, names_the_gone) = (Vec::new(), true);
        Ok(Self { sampler, limits, sort: None, says: None, chart: None, names_the_gone, seen, notes, warned: false })
    }

    /// Takes a sample: a record per tree and, of several, their total. Names the trees that are gone.
    pub(crate) fn sample(&mut self) -> anyhow::Result<Vec<TreeRecord>> {
        let mut records = self.sampler.sample().context(UNREADABLE)?;
        if let Some(chart) = &mut self.chart {
            chart.chart.add(&records);
        }
        self.name_the_gone(&records);
        self.name_the_unreadable(&records);
        if let Some(sort) = self.sort {
            sort.apply(&mut records);
        }
        if records.len() > 1 {
            records.extend(self.sampler.total(&records));
        }
        Ok(records)
    }

    fn name_the_gone(&mut self, records: &[TreeRecord]) {
        let now: Vec<(Identity, String)> =
            records.iter().filter_map(|record| Some((record.identity()?, record.name.clone()))).collect();
        for (identity, name) in &self.seen {
            if self.names_the_gone && !now.iter().any(|(known, _)| known == identity) {
                self.notes.push(format!("proc-tree: process {identity} ({name}) has ended"));
            }
        }
        self.seen = now;
    }

    /// Only a measure that was asked for can be refused: the others give way.
    fn name_the_unreadable(&mut self, records: &[TreeRecord]) {
        let refused = records.iter().find(|record| record.figures.memory_bytes.is_none());
        if let Some(record) = refused.filter(|_| !std::mem::replace(&mut self.warned, true)) {
            let (measure, name) = (record.figures.memory_measure.name(), &record.name);
            self.notes.push(format!("proc-tree: cannot read the {measure} of every process of {name}"));
            let why = if geteuid().is_root() {
                "one of them may not be looked into, even by root"
            } else {
                "other users' processes tell it to root only"
            };
            self.notes.push(format!("hint: {why}; --memory auto takes what can be read"));
        }
    }

    /// Tells whether a limit is exceeded, and notes which.
    ///
    /// What is not `settled` was measured for too short a time to hold CPU against it.
    pub(crate) fn is_over(&mut self, records: &[TreeRecord], settled: bool) -> anyhow::Result<bool> {
        let limits = Limits { cpu: self.limits.cpu.filter(|_| settled), ..self.limits };
        let lines = limits.exceeded(records)?;
        let over = !lines.is_empty();
        self.notes.extend(lines);
        Ok(over)
    }

    /// Says what was noted, beside the results.
    pub(crate) fn say_notes(&mut self) {
        for line in self.notes.drain(..) {
            note(self.says, &text::escape(&line));
        }
    }

    /// Takes in what a command used from its start to its end.
    pub(crate) fn sum_up(&mut self, record: &TreeRecord) {
        if let Some(chart) = &mut self.chart {
            chart.chart.sum_up(record);
        }
    }

    /// Writes the chart, if one is wanted.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.chart.map_or(Ok(()), ChartFile::write)
    }
}

/// A chart and the file that it is drawn to at the end.
pub(crate) struct ChartFile {
    chart: Chart,
    file: File,
    path: PathBuf,
}

impl ChartFile {
    /// Makes the file now: a run of an hour must not end in "permission denied".
    pub(crate) fn create(path: PathBuf, title: String, settle: Duration) -> anyhow::Result<Self> {
        Ok(Self { chart: Chart::new(title, settle), file: create(&path)?, path })
    }

    /// Counts the time from now on.
    pub(crate) fn begin(&mut self) {
        self.chart.begin();
    }

    fn write(mut self) -> anyhow::Result<()> {
        let svg = self.chart.svg().context("cannot draw the chart")?;
        self.file.write_all(svg.as_bytes()).with_context(|| cannot_write(&self.path))
    }
}

pub(crate) fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| cannot_write(path))
}

/// Says something beside the results; what begins with a number begins with a PID.
pub(crate) fn note(says: Option<Color>, line: &str) {
    if let Some(color) = says {
        let look = Look::of(&io::stderr(), color);
        let (pid, rest) = line.split_at(line.find(|one: char| !one.is_ascii_digit()).unwrap_or(0));
        let pid = if pid.is_empty() { String::new() } else { look.paint(PID, pid) };
        let _ = writeln!(io::stderr(), "{pid}{}", look.pids(rest));
    }
}
