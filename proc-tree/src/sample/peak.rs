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
    /// Takes a sample in, its CPU only if it was measured for long enough. What has ended and was not reaped has no memory, which
    /// says nothing of what it had.
    pub(crate) fn rise(&mut self, figures: &Figures, settled: bool) {
        self.memory = self.memory.max(figures.memory_bytes.filter(|&bytes| bytes > 0));
        self.rss = self.rss.max(figures.memory.rss.filter(|&bytes| bytes > 0));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_only_seen_when_it_had_ended_has_no_known_peak() {
        let sample = |bytes| {
            let mut figures = Figures { memory_bytes: Some(bytes), ..Figures::UNKNOWN };
            figures.memory.rss = Some(bytes);
            figures
        };
        let mut peak = Peak::default();
        for (bytes, known) in [(0, None), (7, Some(7)), (0, Some(7))] {
            peak.rise(&sample(bytes), true);
            assert_eq!((peak.memory(Measure::Pss), peak.memory(Measure::Rss)), (known, known));
        }
    }
}
