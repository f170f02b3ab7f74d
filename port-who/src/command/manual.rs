//! What is said of `port-who` beside its options.

use proc_tree::cli::manual::Manual;

use super::status::Status;

pub(super) const MANUAL: Manual = Manual {
    examples: &[
        ("port-who 8000", "who holds port 8000"),
        ("kill $(port-who 8000)", "end every holder (port-kill also makes sure)"),
        ("port-who 8000-8099 --why", "who holds any of these, and who started it"),
        ("port-who --json | jq .port", "every listener, for a script"),
        ("port-who --free=2 8000-8099", "the first two of these that are free"),
        ("PORT=$(port-who --free)", "a random free port, for jobs that run at once"),
    ],
    options: &[
        ("why", "what started each holder, and whether it is an orphan"),
        ("connections", "established connections too"),
        ("user", "only of this user"),
        ("name", "only processes of this name"),
        ("match", "only where the command line matches"),
        ("udp", "UDP only; --tcp, -4 and -6 alike"),
        ("free", "print the first N free ports instead"),
        ("watch", "ask again and again, every 2s"),
        ("json", "one JSON object per line; --openmetrics"),
        ("pids", "bare PIDs (the default in a pipe); or --table"),
        ("quiet", "nothing on stderr but errors"),
    ],
    notes: &[],
    statuses: Status::HELP,
    schema: port_who::SCHEMA,
    environment: &[],
    files: &[("/proc", "where processes and their open files are read (Linux).")],
};
