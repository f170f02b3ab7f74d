//! What is said of `ensure-up` beside its options.

use proc_tree::cli::manual::Manual;

use super::status::Status;

pub(super) const MANUAL: Manual = Manual {
    examples: &[
        ("ensure-up --port 8000 --health /health -- uv run punie serve", "start it, unless it is up and healthy"),
        ("ensure-up --port 3000 --then 'npm test' -- npm start", "run the tests while it is up"),
        ("ensure-up --all", "start all services of ensure-up.toml"),
        ("ensure-up --port 8000 -- python3 -m http.server {port}", "{port} is the port"),
        ("PORT=$(ensure-up --port 8000-8099 --print port -- ./serve {port})", "the first free port of a range"),
        ("ensure-up --name worker -- celery -A shop worker", "a server without a port"),
        (
            "ensure-up --port 8000 --keep-up --reload-on '*.py' -- python3 serve.py",
            "start it again when it crashes, or a file changes",
        ),
        ("ensure-up --status", "what is there"),
        ("ensure-up --logs -f 8000", "its log, and what comes"),
        ("ensure-up --stop 8000", "stop it, with all its processes"),
    ],
    options: &[
        ("port", "where it listens; {port} in the command"),
        ("health", "a path, or a target of health-wait; repeatable"),
        ("timeout", "how long it may take (default: 60s)"),
        ("restart", "stop ours first"),
        ("env", "set a variable"),
        ("then", "run this while it is up, then stop it"),
        ("foreground", "stay attached, with its log"),
        ("keep-up", "start it again when it crashes"),
        ("reload-on", "start it again when a file changes"),
        ("status", "list servers; --watch"),
        ("stop", "stop servers"),
        ("logs", "print logs; -f goes on, --tail N"),
        ("print", "print pid, port or url"),
    ],
    notes: &[],
    statuses: Status::HELP,
    schema: ensure_up::SCHEMA,
    environment: &[
        ("ENSURE_UP_DIR", "The folder of records, locks and logs."),
        ("PORT", "Set for the server: its port; for --then too, and PORT_NAME for each service."),
        ("ENSURE_UP_SERVICE, ENSURE_UP_PID", "Set for the server: the mark by which it is known again."),
        (
            "NOTIFY_SOCKET",
            "Under systemd, --foreground says READY=1 there; with --ready-notify, the server says it there.",
        ),
        ("LISTEN_FDS, LISTEN_PID", "Set for the server with --hold-socket: the listening socket is descriptor 3."),
    ],
    files: &[
        ("ensure-up.toml", "The services of this folder, here or in the nearest folder above."),
        (".local/state/ensure-up", "In the user's home: records, locks and logs."),
        ("/tmp/ensure-up-UID", "The same, for a user without a home to write to."),
    ],
};
