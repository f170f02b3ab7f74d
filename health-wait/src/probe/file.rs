//! Whether a file exists, and what it is like.

use std::{
    cell::RefCell,
    fs::Metadata,
    future::poll_fn,
    os::unix::fs::MetadataExt,
    path::Path,
    pin::Pin,
    task::{Poll, ready},
};

use super::{
    answer::{Answer, Outcome},
    beside::Beside,
};
use crate::reason::{Reason, Sign};

/// Looks for a file, on a thread of its own: a network file system can hang, and cannot be interrupted. A look that
/// has not come back is waited for by the next attempt, instead of a second one.
#[derive(Debug)]
pub(crate) struct FileProbe<'a> {
    path: &'a Path,
    running: RefCell<Option<Beside<String>>>,
}

impl<'a> FileProbe<'a> {
    pub(super) fn new(path: &'a Path) -> Self {
        Self { path, running: RefCell::new(None) }
    }

    /// Looks once. May be dropped and called again.
    pub(super) async fn look(&self) -> Outcome {
        let looked = poll_fn(|context| {
            let mut running = self.running.borrow_mut();
            let look = match &mut *running {
                Some(look) => look,
                none => {
                    let path = self.path.to_owned();
                    none.insert(Beside::begin(move || path.metadata().map(|found| state(&found)))?)
                }
            };
            let looked = ready!(Pin::new(look).poll(context));
            *running = None;
            Poll::Ready(looked.map_err(|error| match Reason::from_io(&error) {
                Reason { sign: Sign::No, .. } => Reason::new(Sign::No, "no such file"),
                other => other,
            }))
        });
        looked.await.map(|state| Answer { state: Some(state), ..Answer::new("exists") })
    }
}

/// Describes a file: another one in its place, more in it, or a write to it changes the answer.
fn state(found: &Metadata) -> String {
    format!("{} {} {} {}", found.dev(), found.ino(), found.size(), found.mtime_nsec() + found.mtime() * 1_000_000_000)
}
