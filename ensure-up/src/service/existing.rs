//! What to do about a server that is there already.

use serde::{Deserialize, Serialize};

/// What to do about a server that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(default)]
pub struct Existing {
    /// Which server without a record is taken for this one: match, any or never
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "match",
        hide_possible_values = true,
        // the first of its heading
        display_order = 0,
        help_heading = "A server that is there already"
    )]
    pub adopt: Adopt,

    /// Stop ours first, then start it; without a command, the server of this name or port as it was asked for
    #[arg(long, help_heading = "A server that is there already")]
    pub restart: bool,

    /// Stop ours first if it was started with another command, folder or environment
    #[arg(long, help_heading = "A server that is there already")]
    pub restart_if_changed: bool,

    /// Stop another program that holds the port first, then start ours
    #[arg(long, help_heading = "A server that is there already")]
    pub replace: bool,

    /// In a range of ports: start one more, whatever runs already
    #[arg(long, help_heading = "A server that is there already")]
    pub new: bool,
}

/// Which server without a record may be taken for the one that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adopt {
    /// One that matches.
    #[default]
    Match,
    /// Whatever holds the port and is healthy.
    Any,
    /// None.
    Never,
}
