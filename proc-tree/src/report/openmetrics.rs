//! The OpenMetrics text format, for Prometheus and its kin.
//!
//! Everything is a gauge, sums of CPU time too: a member that ends unwaited for takes its share out of the sum, and a
//! counter must not fall. So the text is also valid in Prometheus's older format, which names counters otherwise.
//! Source: OpenMetrics 1.0.0; base units (seconds, bytes, ratios) as Prometheus asks for them.

use std::io::{self, Write};

use crate::TreeRecord;

/// A family of metrics: its name, its unit if any, what it means, and its value in a record.
type Family = (&'static str, &'static str, &'static str, fn(&TreeRecord) -> Option<f64>);

#[rustfmt::skip]
const FAMILIES: [Family; 15] = [
    ("processes", "", "Processes in the tree", |record| count(record.processes)),
    ("threads", "", "Threads of all processes in the tree", |record| count(record.figures.threads)),
    ("cpu_ratio", "ratio", "CPU over the interval; 1 is one core", |record| share(record.figures.cpu_percent)),
    ("cpu_time_seconds", "seconds", "CPU time of the members' lives, reaped children included", |record| record.figures.cpu_seconds),
    ("memory_bytes", "bytes", "Memory by the measure that the label names", |record| count(record.figures.memory_bytes)),
    ("memory_ratio", "ratio", "Memory as a share of the machine's", |record| share(record.figures.memory_percent)),
    ("resident_memory_bytes", "bytes", "Sum of resident sets", |record| count(record.figures.memory.rss)),
    ("proportional_memory_bytes", "bytes", "Sum of proportional sets", |record| count(record.figures.memory.pss)),
    ("unique_memory_bytes", "bytes", "Sum of unique sets", |record| count(record.figures.memory.uss)),
    ("swap_bytes", "bytes", "Memory that is swapped out", |record| count(record.figures.memory.swap)),
    ("footprint_bytes", "bytes", "Sum of physical footprints", |record| count(record.figures.memory.footprint)),
    ("gpu_memory_bytes", "bytes", "GPU memory", |record| count(record.figures.gpu_memory_bytes)),
    ("read_bytes", "bytes", "Bytes read from storage", |record| count(record.figures.read_bytes)),
    ("written_bytes", "bytes", "Bytes written to storage", |record| count(record.figures.written_bytes)),
    ("open_files", "", "Open file descriptors", |record| count(record.figures.open_files)),
];

#[expect(clippy::cast_precision_loss, reason = "OpenMetrics values are floats")]
fn count(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn share(percent: Option<f64>) -> Option<f64> {
    percent.map(|percent| (percent * 1000.0).round() / 100_000.0)
}

/// Writes one exposition. The total of several trees is left to the reader's `sum`: here it would be counted twice.
pub(super) fn write(records: &[TreeRecord], out: &mut dyn Write) -> io::Result<()> {
    for (name, unit, meaning, value) in FAMILIES {
        let samples: Vec<(&TreeRecord, f64)> =
            records.iter().filter(|record| record.pid.is_some()).filter_map(|one| Some((one, value(one)?))).collect();
        if samples.is_empty() {
            continue;
        }
        writeln!(out, "# TYPE proc_tree_{name} gauge")?;
        if !unit.is_empty() {
            writeln!(out, "# UNIT proc_tree_{name} {unit}")?;
        }
        writeln!(out, "# HELP proc_tree_{name} {meaning}")?;
        for (record, value) in samples {
            let measure = match name {
                "memory_bytes" | "memory_ratio" => format!(",measure=\"{}\"", record.figures.memory_measure.name()),
                _ => String::new(),
            };
            writeln!(out, "proc_tree_{name}{{{}{measure}}} {value}", labels(record))?;
        }
    }
    writeln!(out, "# EOF")
}

fn labels(record: &TreeRecord) -> String {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    format!(
        "pid=\"{}\",start_id=\"{}\",name=\"{}\"",
        number(record.pid.map(Into::into)),
        number(record.start_id),
        escape(&record.name)
    )
}

/// A label's value escapes the backslash, the quote and the line feed, and nothing else.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
