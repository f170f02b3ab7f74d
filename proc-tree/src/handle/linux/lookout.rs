//! Where there are no pidfds: one thread that looks every few milliseconds which of the watched processes are gone.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use rustix::event::{EventfdFlags, eventfd};

use crate::Identity;

/// How often to look.
const PAUSE: Duration = Duration::from_millis(5);

/// The processes that are watched, each with the event that is raised when it is gone.
static WATCHED: Mutex<Vec<(Identity, Weak<OwnedFd>)>> = Mutex::new(Vec::new());

/// Returns a descriptor that becomes readable when the process has ended.
///
/// Source: eventfd(2): one descriptor, as a pidfd is, and none any more as soon as nobody waits.
pub(super) fn watch(identity: Identity) -> io::Result<Arc<OwnedFd>> {
    let event = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if watched.is_empty() {
        thread::Builder::new().name("lookout".into()).spawn(look)?;
    }
    watched.push((identity, Arc::downgrade(&event)));
    Ok(event)
}

fn look() {
    loop {
        thread::sleep(PAUSE);
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|(identity, event)| event.strong_count() > 0 && !is_over(*identity, event));
        if watched.is_empty() {
            return;
        }
    }
}

/// Tells whoever waits for a process that it is gone, if it is. What cannot be seen is not gone.
fn is_over(identity: Identity, event: &Weak<OwnedFd>) -> bool {
    let is_over = identity.is_running().is_ok_and(|runs| !runs);
    if let Some(event) = event.upgrade().filter(|_| is_over) {
        // the one failure is a counter that is full: it is readable then
        let _ = rustix::io::write(&*event, &1_u64.to_ne_bytes());
    }
    is_over
}
