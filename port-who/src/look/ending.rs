//! Processes on their way out: a server of many gigabytes gives its memory back first, ten in a second, and has its port
//! open until then. Nobody but root may read its descriptors meanwhile.

use std::{
    io,
    time::{Duration, Instant},
};

use proc_tree::{Handle, handle, process};

use crate::socket::Socket;

const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for this user's processes that are on their way out, where one of the sockets is this user's.
pub(super) fn wait(unseen: &[Socket]) -> io::Result<()> {
    let own = Some(rustix::process::geteuid().as_raw());
    if unseen.iter().any(|socket| socket.uid == own) {
        let is_own = |&pid: &u32| process::uid(pid).is_ok_and(|uid| uid == own);
        let ending = process::all()?.into_iter().filter(is_own).filter_map(ending).collect();
        handle::outliving(ending, Instant::now() + PATIENCE)?;
    }
    Ok(())
}

fn ending(pid: u32) -> Option<Handle> {
    let stat = process::stat(pid).ok().flatten()?;
    let is_ending = stat.is_ending && !stat.has_ended();
    if is_ending { Handle::open(stat.identity()).ok().flatten() } else { None }
}
