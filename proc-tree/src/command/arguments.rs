//! The command line of `proc-tree`: flags, and the way from them to what is done.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use anyhow::Context;
use clap::Parser;
use proc_tree::{
    cli::{
        args::Common,
        completion::Candidate,
        duration::{self, InvalidDuration},
        line::Line,
        manual::Manual,
        memory_limit::MemoryLimit,
        slip::{Dictionary, Foreign},
        status::{Exit, UsageError},
        terminal::Color,
        tool::Tool,
        watch::Pace,
    },
    report::Format,
    roots::{self, Root},
    sample::sampler::Options,
    selection::{self, InvalidPid, Selected},
    usage::gpu::Gpu,
    usage::memory::Choice,
};

use super::{
    candidates,
    format::FormatArgs,
    limits::{self, Limits},
    manual::MANUAL,
    observer::{ChartFile, Observer, create, note},
    once,
    output::{Destination, Output},
    run::{Plan, Run, settle},
    slip,
    status::Status,
    watch,
};

/// Sums what a process tree really uses: CPU, memory, I/O
#[derive(Debug, Parser)]
#[command(version, override_usage = "proc-tree [OPTIONS] [PID...|-]\n       proc-tree [OPTIONS] -- COMMAND...")]
pub(crate) struct Arguments {
    /// Roots of trees; without any, or for -, PIDs or JSON records are read from stdin, one per line
    #[arg(value_name = "PID", value_parser = parse_given)]
    given: Vec<Given>,

    /// Run a command and tell what it used, on stderr; ends as the command does
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["given", "count"])]
    command: Vec<OsString>,

    /// How long to measure CPU; with a command, how often to sample
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = parse_length)]
    interval: Duration,

    /// How to measure memory: auto, pss, uss or rss; auto is pss, or rss where pss is refused or RSS is above 16 GiB
    #[arg(long, value_name = "MEASURE", default_value = "auto", hide_possible_values = true)]
    memory: Choice,

    /// Count processes that left the tree by a double fork but not its session
    #[arg(long)]
    session: bool,

    /// Count from the top of the job (process group) that a process is in: npm, or what reloads a server, with it
    #[arg(long)]
    job: bool,

    /// Tell GPU memory (NVIDIA)
    #[arg(long)]
    gpu: bool,

    /// Look again and again, every 2s unless told otherwise, and keep peaks; on a terminal q ends it, c, m and p sort it
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = duration::parse_interval)]
    watch: Option<Duration>,

    /// End after N rounds; implies --watch
    #[arg(long, value_name = "N", value_parser = parse_count)]
    count: Option<u64>,

    /// Status 1 once memory is above a size such as 512M or 16G, or a share of the memory such as 80%; ends --watch, stops a
    /// command
    #[arg(long, value_name = "SIZE|PERCENT")]
    max_memory: Option<MemoryLimit>,

    /// Status 1 once CPU is above PERCENT, 100 for one core; ends --watch, stops a command
    #[arg(long, value_name = "PERCENT", value_parser = limits::parse_percent)]
    max_cpu: Option<f64>,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    common: Common,
}

/// A process as it is given: by its PID, or by a line of stdin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Pid(u32),
    Stdin,
}

fn parse_given(text: &str) -> Result<Given, InvalidPid> {
    if text == "-" { Ok(Given::Stdin) } else { selection::parse_pid(text).map(Given::Pid) }
}

/// CPU over no time is nothing.
fn parse_length(text: &str) -> Result<Duration, InvalidDuration> {
    duration::parse_interval(text).map_err(|_| InvalidDuration::of(text))
}

fn parse_count(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or_else(|| format!("invalid count {text:?}: expected a number from 1 up"))
}

impl Tool for Arguments {
    const NAME: &'static str = "proc-tree";

    const MANUAL: &'static Manual = &MANUAL;

    fn candidates(value: &str) -> Vec<Candidate> {
        candidates::of(value)
    }

    fn common(&self) -> &Common {
        &self.common
    }

    /// As top, watch, ps, pstree and pidstat have them.
    const FOREIGN: Dictionary = &[
        (&["-p", "--pid"], Foreign::Operand),
        (&["-d", "-n", "-i", "-w"], Foreign::Attached("--watch")),
        (&["-t"], Foreign::Option("--tree")),
        (&["-o"], Foreign::Option("--output")),
    ];

    fn meant(line: &Line<'_>) -> Option<String> {
        slip::meant(line)
    }

    fn run(mut self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        if self.command.is_empty() && env::args_os().any(|word| word == "--") {
            let hint = "proc-tree -- COMMAND runs it and tells what it used; proc-tree PID looks at what runs";
            return Err(UsageError::new("no command was given behind --").hint(hint).into());
        }
        let pace = self.pace();
        if self.format.plot.is_some() && self.command.is_empty() && pace.is_none() {
            let hint = "add --watch, or run a command: proc-tree --plot FILE.svg -- COMMAND";
            return Err(UsageError::new("--plot draws over time, and there is one look only").hint(hint).into());
        }
        if !self.command.is_empty() {
            return self.run_command();
        }
        let roots = self.roots()?;
        if roots.is_empty() {
            return Ok(Status::No.into());
        }
        let mut file = self.output()?;
        let chart = self.chart(&title(&roots), Duration::ZERO)?;
        let mut observer = self.observer(roots, Duration::ZERO)?;
        observer.chart = chart;
        let out: &mut dyn Write = file.as_mut().map_or(out, |file| file);
        let output = self.written(self.format.format(self.gpu, pace.is_some()), Destination::Stdout);
        if let Some(pace) = pace {
            return watch::watch(observer, &pace, output, out);
        }
        let interval = if output.format == Format::Pids { Duration::ZERO } else { self.interval };
        once::look(observer, interval, &output, out)
    }

    fn status(error: &anyhow::Error) -> u8 {
        Status::of(error) as u8
    }
}

impl Arguments {
    fn run_command(mut self) -> anyhow::Result<Exit> {
        let mut out: Box<dyn Write> = match self.output()? {
            Some(file) => Box::new(file),
            None => Box::new(io::stderr()),
        };
        let words: Vec<_> = self.command.iter().map(|word| word.to_string_lossy()).collect();
        let mut chart = self.chart(&words.join(" "), settle(self.interval))?;
        let format = match self.format.format(self.gpu, true) {
            Format::Table(_) if !self.format.table && !self.format.members => Format::Summary,
            format => format,
        };
        let run = Run::start(&self.command)?;
        chart.iter_mut().for_each(ChartFile::begin);
        let mut observer = self.observer(vec![run.root()], settle(self.interval))?;
        observer.chart = chart;
        let (interval, watch) = (self.interval, self.watch);
        let output = self.written(format, Destination::Stderr);
        run.observe(observer, Plan { interval, watch, output, out: &mut out, untouched: true })
    }

    /// A file is where the report goes if one is named.
    fn written(&self, format: Format, otherwise: Destination) -> Output {
        let destination = self.format.output.clone().map_or(otherwise, Destination::File);
        let Common { color, quiet, .. } = self.common;
        Output { format, color, destination, is_wanted: self.format.is_wanted(), quiet }
    }

    fn pace(&self) -> Option<Pace> {
        let interval = Pace::interval(self.watch, self.count)?;
        Some(Pace { first: self.interval.min(interval), interval, count: self.count })
    }

    fn output(&self) -> anyhow::Result<Option<File>> {
        self.format.output.as_deref().map(create).transpose()
    }

    fn chart(&mut self, title: &str, settle: Duration) -> anyhow::Result<Option<ChartFile>> {
        let plot = self.format.plot.take();
        plot.map(|path| ChartFile::create(path, title.to_owned(), settle)).transpose()
    }

    fn observer(&self, roots: Vec<Root>, settle: Duration) -> anyhow::Result<Observer> {
        let members = self.format.members || self.format.tree || self.format.pids;
        let options = Options { memory: self.memory, session: self.session, members, gpu: self.gpu(), settle };
        let limits = Limits { memory: self.max_memory, cpu: self.max_cpu };
        let mut observer = Observer::new(roots, options, limits)?;
        observer.sort = self.format.sort.filter(|_| !self.format.draws());
        observer.says = self.says();
        Ok(observer)
    }

    /// Returns in which colours something is said beside the results, if anything is.
    fn says(&self) -> Option<Color> {
        (!self.common.quiet).then_some(self.common.color)
    }

    /// Without a driver GPU memory is unknown, and all else is told.
    fn gpu(&self) -> Option<Gpu> {
        if !self.gpu {
            return None;
        }
        Gpu::open()
            .inspect_err(|error| {
                note(
                    self.says(),
                    &format!(
                        "proc-tree: {error}\nhint: gpu_memory_bytes stays unknown; it is NVIDIA's driver that tells it"
                    ),
                );
            })
            .ok()
    }

    fn roots(&self) -> anyhow::Result<Vec<Root>> {
        let selected = self.selected()?;
        if selected.is_empty() {
            note(self.says(), "proc-tree: standard input named no process");
        }
        let (roots, missing) = if self.job { roots::find_jobs(&selected) } else { roots::find(&selected) }?;
        for missing in &missing {
            note(self.says(), &format!("proc-tree: {missing}"));
            if let Some(meant) = slip::detached_interval(missing, &words()) {
                note(self.says(), &format!("hint: {meant}"));
            }
        }
        Ok(roots)
    }

    fn selected(&self) -> anyhow::Result<Vec<Selected>> {
        if self.given.is_empty() && io::stdin().is_terminal() {
            let hint = "name one: proc-tree PID, port-who 8000 | proc-tree, or proc-tree -- COMMAND";
            return Err(UsageError::new("no PID was given").hint(hint).into());
        }
        let given = |pid: &Given| match pid {
            Given::Pid(pid) => Some(Selected::from(*pid)),
            Given::Stdin => None,
        };
        let mut selected: Vec<Selected> = self.given.iter().filter_map(given).collect();
        if self.given.is_empty() || self.given.contains(&Given::Stdin) {
            selected.extend(selection::read(io::stdin().lock()).context("cannot read standard input")??);
        }
        Ok(selected)
    }
}

fn words() -> Vec<String> {
    env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect()
}

fn title(roots: &[Root]) -> String {
    roots.iter().map(|root| format!("{} ({})", root.name, root.identity)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "../../../tests/support/definition.rs"]
mod definition;
