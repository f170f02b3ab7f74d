//! How a server is kept up, as it is asked for.

use std::{num::NonZeroU32, sync::LazyLock, time::Duration};

use proc_tree::cli::{duration, memory_limit::MemoryLimit, size};
use serde::{Deserialize, Serialize};

use super::{
    backoff::{Backoff, Limit},
    glob::Glob,
    held_address::HeldAddress,
    owner::Owner,
    word,
};

/// How a server is kept up.
#[derive(Debug, Clone, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Supervision {
    /// Start it again when it crashes
    #[arg(long, help_heading = "Keeping it up")]
    pub keep_up: bool,

    /// The pauses before restarts: the first is doubled up to the last
    #[arg(long, value_name = "FIRST..LAST", default_value = "1s..16s", help_heading = "Keeping it up")]
    #[serde(with = "word")]
    pub backoff: Backoff,

    /// Give up after more restarts than these within this time
    #[arg(long, value_name = "N/TIME", default_value = "5/60s", help_heading = "Keeping it up")]
    #[serde(with = "word")]
    pub max_restarts: Limit,

    /// After which ends it is started again: failure or always
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "failure",
        hide_possible_values = true,
        help_heading = "Keeping it up"
    )]
    pub restart_on: RestartOn,

    /// Start it again when a file changes that matches; !GLOB excludes; repeatable; implies --keep-up
    #[arg(long, value_name = "GLOB", help_heading = "Keeping it up")]
    #[serde(with = "word::list")]
    pub reload_on: Vec<Glob>,

    /// Start it again after so many failed health probes in a row; implies --keep-up
    #[arg(long, value_name = "N", help_heading = "Keeping it up")]
    #[serde(with = "word::optional")]
    pub liveness: Option<NonZeroU32>,

    /// Listen for it, on ADDRESS (default: 127.0.0.1), and hand it the socket as systemd does (LISTEN_FDS, descriptor 3), so
    /// that no restart refuses a connection; implies --keep-up
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1",
        help_heading = "Keeping it up"
    )]
    #[serde(with = "word::optional")]
    pub hold_socket: Option<HeldAddress>,

    /// Start it again when its processes use more memory than this, or than this share of what there is; looked at every 5 s,
    /// near the limit every second; implies --keep-up
    #[arg(long, value_name = "SIZE|PERCENT", help_heading = "Keeping it up")]
    #[serde(with = "word::optional")]
    pub max_memory: Option<MemoryLimit>,

    /// Stop it when it had no connection for so long; the next call starts it
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_interval, help_heading = "Keeping it up")]
    #[serde(with = "word::optional")]
    pub idle_stop: Option<Duration>,

    /// Stop it when this process ends
    #[arg(long, value_name = "PID", help_heading = "Keeping it up")]
    #[serde(with = "word::optional")]
    pub owner: Option<Owner>,

    /// Under --keep-up, start a new log beyond this size
    #[arg(long, value_name = "SIZE", default_value = "10M", value_parser = size::parse, help_heading = "Log")]
    #[serde(with = "word")]
    pub log_max_size: u64,
}

impl Default for Supervision {
    fn default() -> Self {
        static DEFAULT: LazyLock<Supervision> = LazyLock::new(word::defaults);
        DEFAULT.clone()
    }
}

impl Supervision {
    /// Tells whether the server has a supervisor: it is kept up, or something else has to be watched.
    pub fn is_wanted(&self) -> bool {
        self.restarts() || self.idle_stop.is_some() || self.owner.is_some()
    }

    /// Tells whether the server is started again when it crashes: that was asked for, or something that means it.
    pub fn restarts(&self) -> bool {
        self.keep_up
            || !self.reload_on.is_empty()
            || self.liveness.is_some()
            || self.max_memory.is_some()
            || self.hold_socket.is_some()
    }
}

/// After which ends a server is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartOn {
    /// After a status other than 0, and after a signal.
    #[default]
    Failure,
    /// After every one.
    Always,
}
