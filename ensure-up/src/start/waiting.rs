//! What a call waits for, as data, told whenever it changes: whoever called shows it.

use std::{fmt, path::PathBuf, time::SystemTime};

use serde::{Deserialize, Serialize};

/// What a call waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// What is being done.
    pub doing: Doing,
    /// The server, and where: `uv on port 8000`.
    pub server: String,
    /// Its process, once there is one.
    pub pid: Option<u32>,
    /// Whether it is this call's: given up, it is stopped.
    pub is_own: bool,
    /// Why it is not over yet.
    pub reason: Option<String>,
    /// The log whose last line tells more.
    pub log: Option<PathBuf>,
}

/// What is being done about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// This call starts it.
    Starting,
    /// Another call is busy with it: which process that is, if that is known.
    Joining(Option<u32>),
    /// It was there before, and is not ready.
    Awaiting,
    /// Its supervisor starts it again at this time.
    Restarting(SystemTime),
    /// What is there is stopped first.
    Stopping,
}

impl Waiting {
    /// Describes what is done about a server, of which nothing more is known so far.
    pub(crate) fn of(doing: Doing, server: String) -> Self {
        Self { doing, server, pid: None, is_own: doing == Doing::Starting, reason: None, log: None }
    }
}

/// Whoever is told what a call waits for.
#[derive(Clone, Copy, Default)]
pub struct Observer<'o>(Option<&'o dyn Fn(&Waiting)>);

impl<'o> Observer<'o> {
    /// Tells this function, on the thread of the call: what it does is waited for.
    pub fn new(tell: &'o dyn Fn(&Waiting)) -> Self {
        Self(Some(tell))
    }

    /// Tells that what this call started is stopped again.
    pub(crate) fn tell_stop(self, waiting: Waiting) {
        self.tell(&Waiting { doing: Doing::Stopping, is_own: true, reason: None, ..waiting });
    }

    /// Tells what is waited for now.
    pub(crate) fn tell(self, waiting: &Waiting) {
        if let Some(tell) = self.0 {
            tell(waiting);
        }
    }
}

impl fmt::Debug for Observer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer(somebody)" } else { "Observer(nobody)" })
    }
}
