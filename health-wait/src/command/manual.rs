//! What is said of `health-wait` beside its options.

use proc_tree::cli::manual::Manual;

use super::status::Status;

pub(super) const MANUAL: Manual = Manual {
    examples: &[
        ("health-wait http://localhost:8000/health", "wait until it answers 200-399"),
        ("health-wait :5432 unix:/run/app.sock -- ./start-tests", "wait for both, then become that command"),
        ("health-wait --down --timeout 10s :8000", "wait until nobody listens there"),
        (
            "health-wait --expect-json '$.service=shop' http://localhost:8000/health",
            "this service, and no other on that port",
        ),
        (
            "health-wait --timeout 0 --pid \"$!\" http://localhost:8000/v1/models",
            "as long as it takes, unless that process ends",
        ),
    ],
    options: &[
        ("timeout", "how long to wait (default: 30s; 0: no limit)"),
        ("once", "ask once: status 0 or 1"),
        ("any", "the first target will do, instead of all"),
        ("down", "wait until it is gone"),
        ("pid", "status 3 when this process ends"),
        ("expect-status", "statuses that are healthy (default: 200-399)"),
        ("expect-body", "what the body must match"),
        ("expect-json", "what must stand in the body, such as $.status=ok"),
        ("fail-status", "statuses that can only mean failure: status 4"),
        ("stable", "it must stay healthy for so long"),
        ("header", "a header to send"),
        ("insecure", "accept any certificate"),
        ("json", "one JSON object per target"),
        ("quiet", "nothing on stderr but errors"),
    ],
    notes: &[],
    statuses: Status::HELP,
    schema: health_wait::SCHEMA,
    environment: &[(
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "The proxies for HTTP targets that are not on this machine.",
    )],
    files: &[],
};
