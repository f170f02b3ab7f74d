//! Linux: setns(2).

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    thread,
};

use proc_tree::process;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{Namespace, Others};

const OWN: &str = "/proc/thread-self/ns/net";

pub(super) fn own() -> Option<u64> {
    fs::metadata(OWN).ok().map(|file| file.ino())
}

pub(super) fn others() -> io::Result<Others> {
    let own = File::open(OWN)?;
    let mut seen = HashSet::from([own.metadata()?.ino()]);
    // who may not enter even the own namespace may enter none, and would miss what is in the others
    within(&own.into(), || ())?;
    let mut others = Others::default();
    for pid in process::all()? {
        match open(pid, &mut seen) {
            Ok(namespace) => others.namespaces.extend(namespace),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => others.hidden += 1,
            Err(_) => {} // the process has ended
        }
    }
    Ok(others)
}

/// Opens the namespace of a process, unless it was seen before.
fn open(pid: u32, seen: &mut HashSet<u64>) -> io::Result<Option<Namespace>> {
    let path = format!("/proc/{pid}/ns/net");
    if seen.contains(&fs::metadata(&path)?.ino()) {
        return Ok(None);
    }
    let file = File::open(&path)?;
    let inode = file.metadata()?.ino();
    Ok(seen.insert(inode).then(|| Namespace { inode, handle: file.into() }))
}

pub(super) fn within<T: Send>(handle: &OwnedFd, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        });
        inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
