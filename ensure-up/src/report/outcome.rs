//! What was done about one server that is up.

use std::{path::PathBuf, time::Duration};

use proc_tree::Identity;
use serde::{Deserialize, Serialize};

use crate::{Port, server::part::Part};

/// What was done about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It was started.
    Started,
    /// Another call was starting it; this one waited with it.
    Joined,
    /// It was up.
    Reused,
    /// It was up without a record, and is known again.
    Adopted,
    /// It was stopped and started.
    Restarted,
    /// Another program was stopped, and it was started.
    Replaced,
    /// It was stopped.
    Stopped,
    /// It is not up.
    Failed,
}

impl Action {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Joined => "joined",
            Self::Reused => "reused",
            Self::Adopted => "adopted",
            Self::Restarted => "restarted",
            Self::Replaced => "replaced",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }

    /// Tells whether this call brought the server up, so that it may stop it as well.
    pub fn is_start(self) -> bool {
        matches!(self, Self::Started | Self::Restarted | Self::Replaced)
    }
}

/// A server that is up.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was done.
    pub action: Action,
    /// The name it goes by.
    pub name: String,
    /// Its port; `None` for one without.
    pub port: Option<Port>,
    /// The process that was started, or that holds the port; `None` when its owner is invisible.
    pub identity: Option<Identity>,
    /// The processes that hold the port.
    pub pids: Vec<u32>,
    /// How long this call took until it was ready.
    pub took: Duration,
    /// Where it answers, if it does so anywhere.
    pub url: Option<String>,
    /// Its log.
    pub log: Option<PathBuf>,
    /// How often its supervisor started it again.
    pub restarts: u32,
    /// By what it was known, when it was adopted.
    pub reason: Option<String>,
    /// In what it differs from the one that was asked for.
    pub differs: Vec<Part>,
    /// The folder of its service.
    pub folder: PathBuf,
    /// Whether it is the first that was ever started from its folder: then nobody there knows yet how to see and stop it.
    pub is_first: bool,
    /// What the caller should know besides.
    pub notes: Vec<String>,
}
