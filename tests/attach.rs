//! ensure-up stays with servers: attached to several, while a command runs, reading their logs; and stops many at once.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

#[path = "attach/file.rs"]
mod file;
#[path = "attach/foreground.rs"]
mod foreground;
#[path = "attach/logs.rs"]
mod logs;
#[path = "attach/restart.rs"]
mod restart;
#[path = "attach/shared.rs"]
mod shared;
#[path = "ensure-up/site.rs"]
#[allow(dead_code, reason = "the tests of one server use the rest of it")]
mod site;
#[path = "attach/stopped.rs"]
mod stopped;
