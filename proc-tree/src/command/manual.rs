//! What is said of `proc-tree` beside its options.

use proc_tree::cli::manual::Manual;

use super::status::Status;

pub(super) const MANUAL: Manual = Manual {
    examples: &[
        ("proc-tree 4711", "what the tree of 4711 uses"),
        ("port-who --json 8000 | proc-tree --members", "the processes behind port 8000, one by one"),
        ("proc-tree --max-memory 16G 4711 || echo big", "a check for a script"),
        ("proc-tree --tree --sort memory 4711", "drawn as a tree, the largest first"),
        ("port-who --json 8000 | proc-tree --job", "with what started or reloads them: npm, manage.py"),
        ("proc-tree --watch=500ms 4711", "again and again, with peaks; q ends it"),
        (
            "proc-tree --json --output use.json --plot use.svg -- make -j8",
            "what a command used, as figures and as a chart",
        ),
    ],
    options: &[
        ("members", "list every process; --tree draws them"),
        ("sort", "by cpu, memory or pid"),
        ("job", "from the top of its job: npm, manage.py"),
        ("interval", "how long to measure CPU (default: 100ms)"),
        ("memory", "how to measure memory: auto, pss, uss or rss"),
        ("session", "what left the tree and not its session, too"),
        ("watch", "again and again, every 2s, with peaks"),
        ("max-memory", "status 1 above a size or a percentage"),
        ("max-cpu", "status 1 above, 100 for one core"),
        ("plot", "draw CPU and memory over time"),
        ("json", "one JSON object per tree; --csv, --openmetrics"),
        ("quiet", "nothing on stderr but errors"),
    ],
    notes: &[
        "In --tree each line sums the process and all below it. proc-tree does not count itself.",
        "A COMMAND that exceeds a limit is stopped with its tree: SIGTERM, and SIGKILL after 5 s.",
    ],
    statuses: Status::HELP,
    schema: proc_tree::SCHEMA,
    environment: &[],
    files: &[
        ("/proc", "where processes are read (Linux)."),
        ("/sys/fs/cgroup", "where the memory that a control group may have is read (Linux)."),
    ],
};
