//! ensure-up keeps servers up: supervision, reload on change, staying attached, the live view.

mod support;

#[path = "supervise/acceptors.rs"]
mod acceptors;
#[cfg(target_os = "linux")]
#[path = "supervise/asleep.rs"]
mod asleep;
#[path = "supervise/bounds.rs"]
mod bounds;
#[path = "supervise/crash.rs"]
mod crash;
#[path = "supervise/daemons.rs"]
mod daemons;
#[path = "supervise/deleted.rs"]
mod deleted;
#[cfg(target_os = "linux")]
#[path = "supervise/disks.rs"]
mod disks;
#[path = "supervise/floods.rs"]
mod floods;
#[path = "supervise/foreground.rs"]
mod foreground;
#[path = "supervise/halted.rs"]
mod halted;
#[path = "supervise/held.rs"]
mod held;
#[path = "supervise/kept.rs"]
mod kept;
#[path = "supervise/killed.rs"]
mod killed;
#[path = "supervise/liveness.rs"]
mod liveness;
#[path = "supervise/logs.rs"]
mod logs;
#[path = "supervise/reload.rs"]
mod reload;
#[path = "supervise/rest.rs"]
mod rest;
#[path = "ensure-up/site.rs"]
#[allow(dead_code, reason = "the tests of one server use the rest of it")]
mod site;
#[path = "supervise/status.rs"]
mod status;
#[path = "supervise/stopped.rs"]
mod stopped;
