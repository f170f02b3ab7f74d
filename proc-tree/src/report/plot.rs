//! A chart of CPU and memory over time, as SVG.

mod curve;
mod picture;
mod unit;

use std::{
    io,
    time::{Duration, Instant},
};

use crate::TreeRecord;

use curve::{Curve, Point};
use picture::Picture;

/// Samples over time, one curve per tree.
#[derive(Debug)]
pub struct Chart {
    started: Instant,
    title: String,
    settle: Duration,
    measures: Vec<&'static str>,
    curves: Vec<Curve>,
    /// From the start to the end, once that is known.
    took: Option<Duration>,
}

impl Chart {
    /// Starts a chart. CPU that was measured for less than `settle` is not drawn, as it counts for no peak.
    pub fn new(title: String, settle: Duration) -> Self {
        Self { started: Instant::now(), title, settle, measures: Vec::new(), curves: Vec::new(), took: None }
    }

    /// Counts the time from now on.
    pub fn begin(&mut self) {
        self.started = Instant::now();
    }

    /// Adds one sample of every tree.
    pub fn add(&mut self, records: &[TreeRecord]) {
        let seconds = self.started.elapsed().as_secs_f64();
        for record in records {
            let Some(pid) = record.pid else { continue };
            let measure = record.figures.memory_measure.name();
            if !self.measures.contains(&measure) {
                self.measures.push(measure);
            }
            #[expect(clippy::cast_precision_loss, reason = "a chart shows three digits")]
            let memory = record.figures.memory_bytes.map(|bytes| bytes as f64);
            let is_settled = Duration::from_millis(record.interval_ms + 1) >= self.settle;
            let point = Point { seconds, cpu: record.figures.cpu_percent.filter(|_| is_settled), memory };
            let label = || format!("{} ({pid})", record.name);
            match self.curves.iter_mut().find(|curve| curve.pid == pid) {
                Some(curve) => curve.add(point),
                None => self.curves.push(Curve::new(pid, label(), point)),
            }
            self.tell_peaks(record);
        }
    }

    /// Takes in what a command used from its start to its end: it may have ended before it could be sampled.
    pub fn sum_up(&mut self, record: &TreeRecord) {
        self.took = Some(Duration::from_millis(record.interval_ms));
        self.tell_peaks(record);
    }

    fn tell_peaks(&mut self, record: &TreeRecord) {
        if let Some(curve) = self.curves.iter_mut().find(|curve| Some(curve.pid) == record.pid) {
            (curve.peak_cpu, curve.peak_memory) = (record.peak_cpu_percent, record.peak_memory_bytes);
        }
    }

    /// Draws the chart: CPU above, memory below, over the same time.
    ///
    /// # Errors
    /// When the drawing fails.
    pub fn svg(&self) -> io::Result<String> {
        let took = self.took.unwrap_or_else(|| self.started.elapsed());
        let picture = Picture { title: &self.title, took, measure: self.measures.join(" or "), curves: &self.curves };
        picture.svg().map_err(io::Error::other)
    }
}
