//! Where there are no pidfds: one thread that looks every few milliseconds which of the watched processes are gone.

use std::{
    io::{self, PipeWriter},
    os::fd::OwnedFd,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::Identity;

/// How often to look.
const PAUSE: Duration = Duration::from_millis(5);

/// The processes that are watched, each with the end of a pipe that is closed when it is gone.
static WATCHED: Mutex<Vec<(Identity, PipeWriter)>> = Mutex::new(Vec::new());

/// Returns a descriptor that becomes readable when the process has ended.
pub(super) fn watch(identity: Identity) -> io::Result<OwnedFd> {
    let (reader, writer) = io::pipe()?;
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if watched.is_empty() {
        thread::Builder::new().name("lookout".into()).spawn(look)?;
    }
    watched.push((identity, writer));
    Ok(reader.into())
}

fn look() {
    loop {
        thread::sleep(PAUSE);
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        // what cannot be seen is not gone
        watched.retain(|(identity, writer)| identity.is_running().unwrap_or(true) && is_read(writer));
        if watched.is_empty() {
            return;
        }
    }
}

/// Tells whether anybody still waits at the other end.
fn is_read(writer: &PipeWriter) -> bool {
    let mut end = [PollFd::new(writer, PollFlags::empty())];
    !matches!(poll(&mut end, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
}
