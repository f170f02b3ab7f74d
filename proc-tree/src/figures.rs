//! The figures of one process, and their sum over several.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{
    usage::memory::{Measure, Memory, add},
    usage::{Transfer, host},
};

/// What a process or a tree uses. What is unknown is `None`, in a sum as soon as it is so for one member.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figures {
    /// How many threads there are; null where it could not be read.
    pub threads: Option<u64>,
    /// CPU over the interval, in percent of one core; null where it could not be read, of a process or of one of its tree.
    #[serde(serialize_with = "thousandths")]
    pub cpu_percent: Option<f64>,
    /// CPU time since the start, in seconds, that of children who were waited for included; null where it could not be read.
    #[serde(serialize_with = "thousandths")]
    pub cpu_seconds: Option<f64>,
    /// Memory in bytes, by `memory_measure`; null where it could not be read.
    pub memory_bytes: Option<u64>,
    /// What `memory_bytes` is.
    pub memory_measure: Measure,
    /// `memory_bytes` in percent of the machine's memory, or of the limit of the root's control group where that is less; null as `memory_bytes` is.
    #[serde(serialize_with = "thousandths")]
    pub memory_percent: Option<f64>,
    /// Memory by every measure that was read.
    #[serde(flatten)]
    pub memory: Memory,
    /// GPU memory in bytes; null where it was not asked for (`--gpu`), or no driver tells it.
    pub gpu_memory_bytes: Option<u64>,
    /// Bytes read from storage; null where it could not be read, as another user's.
    pub read_bytes: Option<u64>,
    /// Bytes written to storage; null where it could not be read, as another user's.
    pub written_bytes: Option<u64>,
    /// Open file descriptors; null where it could not be read.
    pub open_files: Option<u64>,
}

impl Figures {
    const NOTHING: Self = Self {
        threads: Some(0),
        cpu_percent: Some(0.0),
        cpu_seconds: Some(0.0),
        memory_bytes: None,
        memory_measure: Measure::Rss,
        memory_percent: None,
        memory: Memory::NONE,
        gpu_memory_bytes: Some(0),
        read_bytes: Some(0),
        written_bytes: Some(0),
        open_files: Some(0),
    };

    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        threads: None,
        cpu_percent: None,
        cpu_seconds: None,
        memory: Memory::UNKNOWN,
        gpu_memory_bytes: None,
        read_bytes: None,
        written_bytes: None,
        open_files: None,
        ..Self::NOTHING
    };

    /// Sums figures, their memory by one measure.
    pub fn sum<'f>(each: impl IntoIterator<Item = &'f Self>, measure: Measure) -> Self {
        let sum = each.into_iter().fold(Self::NOTHING, |sum, one| Self {
            threads: add(sum.threads, one.threads),
            cpu_percent: add_shares(sum.cpu_percent, one.cpu_percent),
            cpu_seconds: add_shares(sum.cpu_seconds, one.cpu_seconds),
            memory: Memory::sum([&sum.memory, &one.memory]),
            gpu_memory_bytes: add(sum.gpu_memory_bytes, one.gpu_memory_bytes),
            read_bytes: add(sum.read_bytes, one.read_bytes),
            written_bytes: add(sum.written_bytes, one.written_bytes),
            open_files: add(sum.open_files, one.open_files),
            ..sum
        });
        sum.measured(measure)
    }

    /// Gathers the figures of one process; `cpus` is how many cores' worth it used.
    pub(crate) fn of(threads: u32, cpus: Option<f64>, lifetime: Option<Duration>, memory: Memory) -> Self {
        Self {
            threads: Some(threads.into()),
            cpu_percent: cpus.map(|cpus| cpus * 100.0),
            cpu_seconds: lifetime.as_ref().map(Duration::as_secs_f64),
            memory,
            ..Self::NOTHING
        }
    }

    /// Keeps the CPU of a tree within what the machine has: what was reaped is told in steps of 10 ms, and over a short
    /// interval a step too many reads as a core too many.
    pub(crate) fn within_the_machine(self) -> Self {
        let most = host::cpus().map_or(f64::INFINITY, |count| f64::from(count) * 100.0);
        Self { cpu_percent: self.cpu_percent.map(|percent| percent.min(most)), ..self }
    }

    pub(crate) fn moved(self, transfer: Option<Transfer>, open_files: Option<u64>) -> Self {
        let (read_bytes, written_bytes) = (transfer.map(|moved| moved.read), transfer.map(|moved| moved.written));
        Self { read_bytes, written_bytes, open_files, ..self }
    }

    /// Tells the memory by this measure.
    pub(crate) fn measured(self, measure: Measure) -> Self {
        Self { memory_bytes: self.memory.by(measure), memory_measure: measure, ..self }
    }

    /// Tells the memory also as a share of what there is.
    pub(crate) fn out_of(self, memory: Option<u64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a share in percent")]
        let share = |bytes: u64| Some(bytes as f64 / memory.filter(|&all| all > 0)? as f64 * 100.0);
        Self { memory_percent: self.memory_bytes.and_then(share), ..self }
    }
}

fn add_shares(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    Some(left? + right?)
}

/// Writes three decimals: finer ones are noise.
#[expect(clippy::ref_option, reason = "serde passes references")]
pub(crate) fn thousandths<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|value| (value * 1000.0).round() / 1000.0).serialize(serializer)
}
