//! The JSON record.

use serde::Deserialize;

use crate::support::schema::checked;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) pid: Option<u32>,
    pub(crate) start_id: Option<u64>,
    pub(crate) name: String,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) state: Option<char>,
    pub(crate) started_at: Option<String>,
    pub(crate) uptime_seconds: Option<f64>,
    pub(crate) roots: Vec<u32>,
    pub(crate) processes: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) cpu_percent: Option<f64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) memory_measure: String,
    pub(crate) memory_percent: Option<f64>,
    pub(crate) rss_bytes: Option<u64>,
    pub(crate) pss_bytes: Option<u64>,
    pub(crate) uss_bytes: Option<u64>,
    pub(crate) swap_bytes: Option<u64>,
    pub(crate) footprint_bytes: Option<u64>,
    pub(crate) gpu_memory_bytes: Option<u64>,
    pub(crate) read_bytes: Option<u64>,
    pub(crate) written_bytes: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) interval_ms: u64,
    pub(crate) sampled_at: String,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) peak_cpu_percent: Option<f64>,
    pub(crate) members: Option<Vec<Member>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) pid: u32,
    pub(crate) start_id: u64,
    pub(crate) ppid: u32,
    pub(crate) name: String,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) state: char,
    pub(crate) started_at: String,
    pub(crate) uptime_seconds: f64,
    pub(crate) threads: u64,
    pub(crate) cpu_percent: Option<f64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) memory_measure: String,
    pub(crate) memory_percent: Option<f64>,
    pub(crate) rss_bytes: Option<u64>,
    pub(crate) pss_bytes: Option<u64>,
    pub(crate) uss_bytes: Option<u64>,
    pub(crate) swap_bytes: Option<u64>,
    pub(crate) footprint_bytes: Option<u64>,
    pub(crate) gpu_memory_bytes: Option<u64>,
    pub(crate) read_bytes: Option<u64>,
    pub(crate) written_bytes: Option<u64>,
    pub(crate) open_files: Option<u64>,
}

/// Parses JSON Lines.
pub(crate) fn parse(text: &str) -> Vec<Record> {
    let records = checked("proc-tree", text).into_iter();
    records.map(|record| serde_json::from_value(record).expect("as the schema has it")).collect()
}
