//! The JSON record, decoded strictly: a key that is new, missing or of another type fails here.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) pid: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) start_id: Option<u64>,
    pub(crate) name: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) command: Option<Vec<String>>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) state: Option<char>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) started_at: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) uptime_seconds: Option<f64>,
    pub(crate) roots: Vec<u32>,
    pub(crate) processes: u64,
    pub(crate) threads: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) cpu_percent: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) cpu_seconds: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) memory_measure: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) memory_percent: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) rss_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) pss_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) uss_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) swap_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) footprint_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) gpu_memory_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) read_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) written_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) open_files: Option<u64>,
    pub(crate) interval_ms: u64,
    pub(crate) sampled_at: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) peak_memory_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) peak_cpu_percent: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) members: Option<Vec<Member>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) pid: u32,
    pub(crate) start_id: u64,
    pub(crate) ppid: u32,
    pub(crate) name: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) command: Option<Vec<String>>,
    pub(crate) state: char,
    pub(crate) started_at: String,
    pub(crate) uptime_seconds: f64,
    pub(crate) threads: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) cpu_percent: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) cpu_seconds: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) memory_measure: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) memory_percent: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) rss_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) pss_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) uss_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) swap_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) footprint_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) gpu_memory_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) read_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) written_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) open_files: Option<u64>,
}

/// Parses JSON Lines.
pub(crate) fn parse(text: &str) -> Vec<Record> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
}
