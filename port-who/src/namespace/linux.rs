//! Linux: setns(2).

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    os::{fd::AsFd, unix::fs::MetadataExt},
    thread,
};

use proc_tree::process;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const OWN: &str = "/proc/thread-self/ns/net";

/// A network namespace, held open.
#[derive(Debug)]
pub(crate) struct Namespace(File);

/// The network namespaces of all processes but the caller's own.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub(crate) namespaces: Vec<Namespace>,
    /// How many processes would not say which namespace they are in.
    pub(crate) hidden: usize,
}

/// Names the network namespace of the calling thread; `None` where it cannot be seen.
pub fn own() -> Option<u64> {
    fs::metadata(OWN).ok().map(|file| file.ino())
}

/// Names the network namespace of a process; `None` where it cannot be seen.
pub fn of(pid: u32) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}/ns/net")).ok().map(|file| file.ino())
}

/// Finds each distinct `/proc/*/ns/net`, once.
///
/// # Errors
/// When the caller may not enter namespaces at all, or the processes cannot be listed.
pub(crate) fn others() -> io::Result<Others> {
    let own = Namespace(File::open(OWN)?);
    let mut seen = HashSet::from([own.0.metadata()?.ino()]);
    // who may not enter even the own namespace may enter none, and would miss what is in the others
    own.within(|| ())?;
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
    let is_new = seen.insert(file.metadata()?.ino());
    Ok(is_new.then_some(Namespace(file)))
}

impl Namespace {
    /// Returns its number, as `ls -L -i /proc/PID/ns/net` shows it; 0 where that cannot be told any more.
    pub(crate) fn inode(&self) -> u64 {
        self.0.metadata().map_or(0, |file| file.ino())
    }

    /// Does the work on a thread of its own, inside this namespace: the caller's threads stay where they are.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let inside = thread::Builder::new().spawn_scoped(scope, || {
                move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok(work())
            })?;
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}
