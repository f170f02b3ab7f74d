//! health-wait, run as a user runs it: block until it is healthy.

mod support;

#[path = "health-wait/certificates.rs"]
mod certificates;
#[path = "health-wait/command_line.rs"]
mod command_line;
#[path = "health-wait/down.rs"]
mod down;
#[path = "health-wait/expectations.rs"]
mod expectations;
#[path = "health-wait/grpc.rs"]
mod grpc;
#[path = "health-wait/hostile.rs"]
mod hostile;
#[path = "health-wait/http2.rs"]
mod http2;
#[path = "health-wait/installed.rs"]
mod installed;
#[path = "health-wait/peers.rs"]
mod peers;
#[path = "health-wait/process.rs"]
mod process;
#[path = "health-wait/progress.rs"]
mod progress;
#[path = "health-wait/request.rs"]
mod request;
#[path = "health-wait/resolver.rs"]
mod resolver;
#[path = "health-wait/server.rs"]
mod server;
#[path = "health-wait/targets.rs"]
mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde::Deserialize;
use support::{Output, Tool};

/// Prepares a run that is expected to succeed in silence, where the system trusts one authority: a bare one trusts none.
fn health_wait() -> Tool {
    static TRUSTED: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trusted.pem");
        let nobody = rcgen::generate_simple_self_signed(["nobody.invalid".to_owned()]).expect("a certificate");
        fs::write(&path, nobody.cert.pem()).expect("the build folder is ours");
        path
    });
    Tool::new(env!("CARGO_BIN_EXE_health-wait")).env("SSL_CERT_FILE", TRUSTED.as_path())
}

/// A record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    target: String,
    healthy: bool,
    address: Option<String>,
    attempts: u64,
    waited_ms: u64,
    latency_ms: Option<u64>,
    status: Option<u16>,
    last_error: Option<String>,
}

/// Decodes the records of a run with `--json`.
fn records(output: &Output) -> Vec<Record> {
    output.records().into_iter().map(|record| serde_json::from_value(record).expect("as the schema has it")).collect()
}

/// Decodes the only record of a run with `--json`.
fn record(output: &Output) -> Record {
    let mut records = records(output);
    assert_eq!(records.len(), 1, "{}", output.stdout);
    records.remove(0)
}
