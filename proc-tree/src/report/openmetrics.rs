//! What trees use, as an exposition for Prometheus.
//!
//! Sums of CPU time are gauges, too: a member that ends unwaited for takes its share out of the sum.

use std::io::{self, Write};

use crate::{
    TreeRecord,
    cli::exposition::{self, Family, Labels, count, ratio},
};

#[rustfmt::skip]
const FAMILIES: [Family<TreeRecord>; 15] = [
    Family { name: "processes", meaning: "Processes in the tree", value: |record| record.processes.map(count) },
    Family { name: "threads", meaning: "Threads of all processes in the tree", value: |record| record.figures.threads.map(count) },
    Family { name: "cpu_ratio", meaning: "CPU over the interval; 1 is one core", value: |record| record.figures.cpu_percent.map(ratio) },
    Family { name: "cpu_time_seconds", meaning: "CPU time of the members' lives, reaped children included", value: |record| record.figures.cpu_seconds },
    Family { name: "memory_bytes", meaning: "Memory by the measure that the label names", value: |record| record.figures.memory_bytes.map(count) },
    Family { name: "memory_ratio", meaning: "Memory as a share of the machine's", value: |record| record.figures.memory_percent.map(ratio) },
    Family { name: "resident_memory_bytes", meaning: "Sum of resident sets", value: |record| record.figures.memory.rss.map(count) },
    Family { name: "proportional_memory_bytes", meaning: "Sum of proportional sets", value: |record| record.figures.memory.pss.map(count) },
    Family { name: "unique_memory_bytes", meaning: "Sum of unique sets", value: |record| record.figures.memory.uss.map(count) },
    Family { name: "swap_bytes", meaning: "Memory that is swapped out", value: |record| record.figures.memory.swap.map(count) },
    Family { name: "footprint_bytes", meaning: "Sum of physical footprints", value: |record| record.figures.memory.footprint.map(count) },
    Family { name: "gpu_memory_bytes", meaning: "GPU memory", value: |record| record.figures.gpu_memory_bytes.map(count) },
    Family { name: "read_bytes", meaning: "Bytes read from storage", value: |record| record.figures.read_bytes.map(count) },
    Family { name: "written_bytes", meaning: "Bytes written to storage", value: |record| record.figures.written_bytes.map(count) },
    Family { name: "open_files", meaning: "Open file descriptors", value: |record| record.figures.open_files.map(count) },
];

/// Writes one exposition. The total of several trees is left to the reader's `sum`: here it would be counted twice.
pub(super) fn write(records: &[TreeRecord], out: &mut dyn Write) -> io::Result<()> {
    let trees = records.iter().filter(|record| record.pid.is_some());
    exposition::families("proc_tree", &FAMILIES, &trees, labels, out)?;
    exposition::end(out)
}

fn labels(record: &TreeRecord, family: &Family<TreeRecord>) -> Labels {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut labels = vec![
        ("pid", number(record.pid.map(Into::into))),
        ("start_id", number(record.start_id)),
        ("name", record.name.clone()),
    ];
    if matches!(family.name, "memory_bytes" | "memory_ratio") {
        labels.push(("measure", record.figures.memory_measure.name().to_owned()));
    }
    labels
}
