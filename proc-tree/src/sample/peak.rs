//! The highest figures that a tree's sum had.

use crate::{Figures, usage::memory::Measure};

/// Peaks of sums, which are not sums of peaks: members seldom peak at the same time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peak {
    /// By the measure of each sample.
    memory: Option<u64>,
    rss: Option<u64>,
    cpu: Option<f64>,
}

impl Peak {
    /// Takes a sample in, its CPU only if it was measured for long enough.
    pub(crate) fn rise(&mut self, figures: &Figures, settled: bool) {
        self.memory = self.memory.max(figures.memory_bytes);
        self.rss = self.rss.max(figures.memory.rss);
        if settled {
            self.cpu = [self.cpu, figures.cpu_percent].into_iter().flatten().reduce(f64::max);
        }
    }

    /// Returns the peak of memory by the measure that holds now: a tree that outgrew the exact one has always been
    /// measured by its resident sets too.
    pub(crate) fn memory(&self, measure: Measure) -> Option<u64> {
        if measure == Measure::Rss { self.rss } else { self.memory }
    }

    /// Returns the peak of CPU in percent.
    pub(crate) fn cpu(&self) -> Option<f64> {
        self.cpu
    }
}
