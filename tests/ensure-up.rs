//! ensure-up, run as a user runs it: start it only if it is not up.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

#[path = "ensure-up/adoption.rs"]
mod adoption;
#[path = "ensure-up/concurrent.rs"]
mod concurrent;
#[path = "ensure-up/databases.rs"]
mod databases;
#[path = "ensure-up/datagrams.rs"]
mod datagrams;
#[path = "ensure-up/existing.rs"]
mod existing;
#[path = "ensure-up/failing.rs"]
mod failing;
#[cfg(target_os = "linux")]
#[path = "ensure-up/faults.rs"]
mod faults;
#[path = "ensure-up/folders.rs"]
mod folders;
#[path = "ensure-up/hints.rs"]
mod hints;
#[cfg(target_os = "linux")]
#[path = "ensure-up/home.rs"]
mod home;
#[path = "ensure-up/interrupted.rs"]
mod interrupted;
#[path = "ensure-up/jobs.rs"]
mod jobs;
#[path = "ensure-up/killed.rs"]
mod killed;
#[path = "ensure-up/leftovers.rs"]
mod leftovers;
#[path = "ensure-up/logs.rs"]
mod logs;
#[cfg(target_os = "linux")]
#[path = "ensure-up/nested.rs"]
mod nested;
#[cfg(target_os = "linux")]
#[path = "ensure-up/networks.rs"]
mod networks;
#[cfg(target_os = "linux")]
#[path = "ensure-up/one_place.rs"]
mod one_place;
#[path = "ensure-up/owned.rs"]
mod owned;
#[path = "ensure-up/peers.rs"]
mod peers;
#[path = "ensure-up/project_files.rs"]
mod project_files;
#[path = "ensure-up/projects.rs"]
mod projects;
#[path = "ensure-up/ranges.rs"]
mod ranges;
#[path = "ensure-up/readiness.rs"]
mod readiness;
#[path = "ensure-up/records.rs"]
mod records;
#[path = "ensure-up/shapes.rs"]
mod shapes;
#[path = "ensure-up/signals.rs"]
mod signals;
#[path = "ensure-up/site.rs"]
mod site;
#[path = "ensure-up/start.rs"]
mod start;
#[path = "ensure-up/stop.rs"]
mod stop;
#[path = "ensure-up/strangers.rs"]
mod strangers;
#[path = "ensure-up/supervisors.rs"]
mod supervisors;
#[path = "ensure-up/surroundings.rs"]
mod surroundings;
#[path = "ensure-up/targets.rs"]
mod targets;
#[path = "ensure-up/then.rs"]
mod then;
#[cfg(target_os = "linux")]
#[path = "ensure-up/unreadable.rs"]
mod unreadable;
#[cfg(target_os = "linux")]
#[path = "ensure-up/unstoppable.rs"]
mod unstoppable;
#[path = "ensure-up/usage.rs"]
mod usage;
#[path = "ensure-up/users.rs"]
mod users;
#[path = "ensure-up/waits.rs"]
mod waits;
#[path = "ensure-up/workers.rs"]
mod workers;
#[path = "ensure-up/wrappers.rs"]
mod wrappers;
