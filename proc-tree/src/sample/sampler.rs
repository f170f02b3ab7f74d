//! The sampler: takes trees, reads them again and again, and tells what each used in between.

use std::{
    collections::HashMap,
    io,
    time::{Duration, Instant, SystemTime},
};

#[cfg(feature = "gpu")]
use crate::usage::gpu::Gpu;
use crate::{
    Figures, Identity, Member, TreeRecord, process,
    roots::Root,
    sample::peak::Peak,
    sample::reading::{Origin, Reading, Readings, cpus, orphaned},
    usage::{
        self, host,
        memory::{self, Choice, Measure},
    },
};

/// What is read of every tree; to be made with `..Options::default()`, since a feature adds a field.
#[derive(Debug, Default)]
pub struct Options {
    /// How memory is measured.
    pub memory: Choice,
    /// Whether the root's session is part of its tree.
    pub session: bool,
    /// Whether the members are told one by one.
    pub members: bool,
    /// Where GPU memory is asked for.
    #[cfg(feature = "gpu")]
    pub gpu: Option<Gpu>,
    /// A sample after less time than this counts for no peak of CPU: what was reaped is told in steps of 10 ms.
    pub settle: Duration,
}

impl Options {
    /// Tells the GPU memory of each process, where it is asked for.
    #[cfg_attr(not(feature = "gpu"), expect(clippy::unused_self, reason = "there is nobody to ask"))]
    fn gpu_memory(&self) -> Option<HashMap<u32, u64>> {
        #[cfg(feature = "gpu")]
        return self.gpu.as_ref().and_then(Gpu::memory);
        #[cfg(not(feature = "gpu"))]
        None
    }
}

/// Some trees under watch.
#[derive(Debug)]
pub struct Sampler {
    options: Options,
    trees: Vec<Tree>,
    last: Readings,
    /// The peak of all trees together.
    total: Peak,
}

#[derive(Debug)]
struct Tree {
    root: Root,
    peak: Peak,
    /// Whether memory may still be more than resident sets; see [`memory::of_all`].
    exact: bool,
    /// How much memory there is for it.
    available: Option<u64>,
    /// What its orphans used that have ended.
    orphaned: Duration,
}

impl Sampler {
    /// Reads the trees for the first time: CPU is measured from now on.
    ///
    /// # Errors
    /// When the process table cannot be read.
    pub fn new(roots: Vec<Root>, options: Options) -> io::Result<Self> {
        let tree = |root| Tree { root, peak: Peak::default(), exact: true, available: None, orphaned: Duration::ZERO };
        let trees: Vec<Tree> = roots.into_iter().map(tree).collect();
        let origins: Vec<Origin<'_>> =
            trees.iter().map(|tree| Origin { root: tree.root.identity, known: &[] }).collect();
        let last = Readings::take(&origins, options.session)?;
        Ok(Self { options, trees, last, total: Peak::default() })
    }

    /// Returns since when CPU is measured: the last sample, or the start.
    pub fn since(&self) -> Instant {
        self.last.started()
    }

    /// Tells what each tree uses now and what it used since the last time. Trees that are gone are left out.
    ///
    /// # Errors
    /// When the process table cannot be read.
    pub fn sample(&mut self) -> io::Result<Vec<TreeRecord>> {
        let origins: Vec<Origin<'_>> = self
            .trees
            .iter()
            .zip(&self.last.trees)
            .map(|(tree, known)| Origin { root: tree.root.identity, known })
            .collect();
        let now = Readings::take(&origins, self.options.session)?;
        let interval = now.started().duration_since(self.last.started());
        let round = Round { options: &self.options, at: SystemTime::now(), interval, gpu: self.options.gpu_memory() };
        let mut records = Vec::with_capacity(self.trees.len());
        for (index, tree) in self.trees.iter_mut().enumerate() {
            let (before, members) = (&self.last.trees[index], &now.trees[index]);
            tree.orphaned += orphaned(tree.root.identity, before, members);
            if members.iter().any(|member| !member.stat.has_ended()) {
                let cpus = cpus(before, members, &self.last);
                records.push(round.record(tree, members, &cpus));
            }
        }
        self.last = now;
        Ok(records)
    }

    /// Returns the CPU time, as it was last read, of members that have ended and that nobody in their trees could wait for: they
    /// had lost their parent.
    pub fn orphaned_cpu(&self) -> Duration {
        self.trees.iter().map(|tree| tree.orphaned).sum()
    }

    /// Returns the identities of all members, as they were last read.
    pub fn members(&self) -> impl Iterator<Item = Identity> {
        self.last.trees.iter().flatten().map(|reading| reading.stat.identity())
    }

    /// Sums several trees' records.
    pub fn total(&mut self, records: &[TreeRecord]) -> Option<TreeRecord> {
        let first = records.first()?;
        let measure = first.figures.memory_measure;
        let same = records.iter().all(|record| record.figures.memory_measure == measure);
        let measure = if same { measure } else { Measure::Rss };
        // trees with limits of their own share no less than the machine's memory
        let mut available = self.trees.iter().map(|tree| tree.available);
        let same = available.next().filter(|first| available.all(|other| other == *first)).flatten();
        let figures = Figures::sum(records.iter().map(|record| &record.figures), measure);
        let figures = figures.within_the_machine().out_of(same.or_else(host::memory));
        self.total.rise(&figures, true);
        Some(TreeRecord {
            name: TreeRecord::TOTAL.into(),
            roots: records.iter().flat_map(|record| record.roots.iter().copied()).collect(),
            processes: records.iter().map(|record| record.processes).sum(),
            figures,
            interval_ms: first.interval_ms,
            sampled_at: first.sampled_at,
            peak_memory_bytes: self.total.memory(figures.memory_measure),
            peak_cpu_percent: self.total.cpu(),
            ..TreeRecord::blank()
        })
    }
}

/// What all records of one sample have in common.
struct Round<'s> {
    options: &'s Options,
    at: SystemTime,
    interval: Duration,
    gpu: Option<HashMap<u32, u64>>,
}

impl Round<'_> {
    fn record(&self, tree: &mut Tree, readings: &[Reading], cpus: &[Option<f64>]) -> TreeRecord {
        tree.available = host::memory_for(tree.root.identity.pid);
        let (each, measure) = self.figures(tree, readings, cpus);
        tree.exact = measure != Measure::Rss;
        let figures = Figures::sum(&each, measure).within_the_machine().out_of(tree.available);
        tree.peak.rise(&figures, self.interval >= self.options.settle);
        let members = readings.iter().zip(&each);
        let members =
            self.options.members.then(|| members.map(|(one, &each)| Member::new(&one.stat, each, self.at)).collect());
        let root = readings.first().filter(|first| first.stat.identity() == tree.root.identity);
        if let Some(root) = root {
            tree.root.look_again(&root.stat);
        }
        TreeRecord {
            pid: Some(tree.root.identity.pid),
            start_id: Some(tree.root.identity.start_id),
            name: tree.root.name.clone(),
            command: tree.root.command.clone(),
            state: root.map(|root| root.stat.state),
            started_at: Some(tree.root.started_at()),
            uptime: Some(tree.root.uptime(self.at)),
            roots: tree.root.pids.clone(),
            processes: Some(readings.len() as u64),
            figures,
            interval_ms: u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX),
            sampled_at: self.at,
            peak_memory_bytes: tree.peak.memory(measure),
            peak_cpu_percent: tree.peak.cpu(),
            members,
        }
    }

    fn figures(&self, tree: &Tree, readings: &[Reading], cpus: &[Option<f64>]) -> (Vec<Figures>, Measure) {
        let pids: Vec<u32> = readings.iter().map(|reading| reading.stat.pid).collect();
        let (memory, measure) = memory::of_all(&pids, self.options.memory, tree.exact);
        let each = readings.iter().zip(cpus).zip(memory).map(|((reading, &cpus), memory)| {
            let (pid, has_ended) = (reading.stat.pid, reading.stat.has_ended());
            let is_by_thread = reading.stat.state.is_over() && !has_ended;
            let told_by = if is_by_thread { process::other_thread(pid).unwrap_or(pid) } else { pid };
            let transfer = usage::transfer(told_by).ok().map(Option::unwrap_or_default);
            // what has ended has closed its files, which only root may see
            let open_files = if has_ended { Ok(None) } else { usage::open_files(told_by) };
            let open_files = open_files.ok().map(Option::unwrap_or_default);
            let gpu = self.gpu.as_ref().map(|gpu| gpu.get(&pid).copied().unwrap_or(0));
            Figures { gpu_memory_bytes: gpu, ..Figures::of(reading.stat.threads, cpus, reading.lifetime(), memory) }
                .moved(transfer, open_files)
                .measured(measure)
                .out_of(tree.available)
        });
        (each.collect(), measure)
    }
}
