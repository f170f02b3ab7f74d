//! What is said of `port-kill` beside its options.

use proc_tree::cli::manual::Manual;

use super::status::Status;

pub(super) const MANUAL: Manual = Manual {
    examples: &[
        ("port-kill 8000", "stop what listens there; SIGKILL after 5 s"),
        ("port-kill --tree 5001 8000-8099", "stop those servers with all that they started"),
        ("port-kill -n 8000", "show what would be signalled"),
        ("port-kill --name node --settle 2s 3000", "stop only node, and see whether it comes back"),
        ("port-who --json 8000 | port-kill -", "stop exactly what was listed"),
    ],
    options: &[
        ("tree", "stop every descendant too"),
        ("dry-run", "only show what would be signalled"),
        ("interactive", "ask before each process"),
        ("signal", "which signal to send; -9 and -INT too (default: TERM)"),
        ("grace", "how long until SIGKILL (default: 5s)"),
        ("force", "SIGKILL at once"),
        ("no-escalate", "never SIGKILL"),
        ("settle", "see for so long that nobody takes the ports again"),
        ("name", "only processes of this name; --match and --user alike"),
        ("require", "status 1 when nothing was listening"),
        ("json", "one JSON object per line"),
        ("quiet", "nothing on stderr but errors"),
    ],
    notes: &[],
    statuses: Status::HELP,
    schema: port_kill::SCHEMA,
    environment: &[],
    files: &[("/proc", "where processes and their open files are read (Linux).")],
};
