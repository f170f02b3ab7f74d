//! One line per tree and round, for a log of a watch.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::table::{bytes, percent};
use crate::{
    TreeRecord,
    cli::{duration, text},
};

/// Writes when, which tree, what it uses and its peaks.
pub(super) fn write(records: &[TreeRecord], out: &mut dyn Write) -> io::Result<()> {
    for record in records {
        let tree = match record.pid {
            Some(pid) => format!("{pid} {}", record.name),
            None => record.name.clone(),
        };
        let figures = &record.figures;
        writeln!(
            out,
            "{}  {}  {}  {:>6}  {:>10} ({})  peak {:>6}  {:>10}",
            humantime::format_rfc3339_seconds(record.sampled_at),
            text::escape(&tree),
            match record.processes {
                None => "? processes".to_owned(),
                Some(1) => "1 process".to_owned(),
                Some(several) => format!("{several} processes"),
            },
            percent(figures.cpu_percent),
            bytes(figures.memory_bytes),
            figures.memory_measure.name(),
            percent(record.peak_cpu_percent),
            bytes(record.peak_memory_bytes),
        )?;
    }
    Ok(())
}

/// Writes what a command used from its start to its end.
pub(super) fn summary(record: &TreeRecord, out: &mut dyn Write) -> io::Result<()> {
    let seconds = record.figures.cpu_seconds.map_or("?".into(), |seconds| format!("{seconds:.2} s"));
    let memory = match record.peak_memory_bytes {
        Some(peak) => format!("{} ({})", bytes(Some(peak)), record.figures.memory_measure.name()),
        None => "unknown".into(),
    };
    writeln!(
        out,
        "{}: {}, {seconds} of CPU ({}), peak CPU {}, peak memory {memory}",
        text::escape(&record.name),
        duration::elapsed(Duration::from_millis(record.interval_ms)),
        percent(record.figures.cpu_percent),
        percent(record.peak_cpu_percent),
    )
}
