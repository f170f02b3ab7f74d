//! Whether a process runs, and when it ends.

use std::{future::pending, io, os::fd::AsFd};

use proc_tree::{Handle, Identity, RunState, process};
use tokio::io::{Interest, unix::AsyncFd};

use super::answer::{Answer, Outcome};
use crate::reason::{Reason, Sign};

const UNREAPED: &str = "it has ended, and its parent has not taken note of that";

/// A process, as it was when it was first looked at. Another one that has its PID by now is not the one that was meant.
#[derive(Debug)]
pub(crate) struct ProcessProbe {
    pid: u32,
    meant: Option<Handle>,
}

impl ProcessProbe {
    pub(super) fn new(pid: u32) -> Self {
        let meant = Identity::of(pid).ok().flatten().and_then(|meant| Handle::open(meant).ok().flatten());
        Self { pid, meant }
    }

    pub(super) fn look(&self) -> Outcome {
        let found = match &self.meant {
            Some(process) => process.has_ended().map(|ended| !ended),
            None => Identity::of(self.pid).map(|found| found.is_some()),
        };
        match found {
            Ok(true) => Ok(Answer::new("runs")),
            Ok(false) => Err(Reason::new(Sign::Gone, if self.is_unreaped() { UNREAPED } else { "no such process" })),
            Err(error) => Err(Reason::from_io(&error)),
        }
    }

    /// Tells whether it has ended and is still listed, as ps(1) shows it.
    fn is_unreaped(&self) -> bool {
        process::stat(self.pid).ok().flatten().is_some_and(|stat| stat.state == RunState::Zombie)
    }

    /// Waits for its end; for ever where it cannot be watched: then it is asked now and then, as everything else is.
    pub(super) async fn ended(&self) {
        if let Some(process) = &self.meant
            && ended(process).await.is_ok()
        {
            return;
        }
        pending::<()>().await;
    }
}

/// Waits for the end of a process. May be dropped at any time.
///
/// Needs a tokio runtime with I/O.
///
/// # Errors
/// When the process cannot be watched.
pub async fn ended(process: &Handle) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed from a handle that outlives this future, so it stays open and the same.
    let descriptor = unsafe { AsyncFd::register_with_interest(process.as_fd(), Interest::READABLE) };
    descriptor.map_err(|error| error.into_parts().1)?.readable().await.map(|_| ())
}
