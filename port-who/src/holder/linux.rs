//! Linux: the links under `/proc/PID/fd`, proc_pid_fd(5).
//!
//! No interface maps a socket to its processes, so all descriptors of all processes are read. The calls that this takes
//! are the whole cost: names are resolved relative to open folders. Two threads were tried and were no gain on two cores,
//! and neither was sparing the call that says that a folder has no more entries.

use std::{
    ffi::{CStr, CString},
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw},
    io::Errno,
};

use super::open::Open;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Looks into all processes.
pub(super) fn holders(mut open: Open) -> io::Result<Open> {
    let proc = openat(CWD, c"/proc", FOLDER, Mode::empty())?;
    let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
    let mut entries = RawDir::new(&proc, &mut buffer);
    let mut any = false;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if let Some(pid) = number(entry.file_name()) {
            any = true;
            look_into(&mut open, proc.as_fd(), pid, entry.file_name())?;
        }
    }
    // at least the caller is there, unless /proc is an empty folder
    if any { Ok(open) } else { Err(io::Error::new(io::ErrorKind::NotFound, "/proc shows no processes")) }
}

/// Looks into one process.
pub(super) fn holds(pid: u32, mut open: Open) -> io::Result<Open> {
    let proc = openat(CWD, c"/proc", FOLDER, Mode::empty())?;
    let name = CString::new(pid.to_string())?;
    look_into(&mut open, proc.as_fd(), pid, &name)?;
    Ok(open)
}

/// What one folder of descriptors told.
#[derive(Default)]
struct Seen {
    any: bool,
    unreadable: bool,
}

fn look_into(open: &mut Open, proc: BorrowedFd<'_>, pid: u32, name: &CStr) -> io::Result<()> {
    let mut path = [0; 32];
    let seen = match open_folder(proc, &[name.to_bytes(), b"/fd"], &mut path) {
        Ok(folder) => read_links(open, &folder, pid),
        Err(Errno::NOENT | Errno::SRCH) if !is_hidden(pid) => return Ok(()),
        Err(lack) if is_ours(lack) => return Err(lack.into()),
        Err(_) => Seen { any: false, unreadable: true },
    };
    // the leader of a process may have exited while its threads live on: its folder is empty then, and root's
    let seen = if seen.any { seen } else { look_into_threads(open, pid)?.unwrap_or(seen) };
    open.unreadable += usize::from(seen.unreadable);
    Ok(())
}

/// Tells whether it is this program that lacks the means to look: that says nothing of the process.
fn is_ours(error: Errno) -> bool {
    matches!(error, Errno::MFILE | Errno::NFILE | Errno::NOMEM)
}

/// Tells whether the process is there all the same: /proc hides it from this user (`hidepid=2`).
fn is_hidden(pid: u32) -> bool {
    proc_tree::process::stat(pid).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Looks into the threads of a process whose leader has exited; `None` for any other process.
fn look_into_threads(open: &mut Open, pid: u32) -> io::Result<Option<Seen>> {
    let lacking = |error: &io::Error| Errno::from_io_error(error).is_some_and(is_ours);
    let leader = match proc_tree::process::stat(pid) {
        Ok(Some(leader)) if leader.state == proc_tree::RunState::Zombie && leader.threads > 1 => leader,
        Err(error) if lacking(&error) => return Err(error),
        _ => return Ok(None),
    };
    let tasks = match std::fs::read_dir(format!("/proc/{}/task", leader.pid)) {
        Err(error) if lacking(&error) => return Err(error),
        tasks => tasks.into_iter().flatten(),
    };
    for task in tasks.map_while(Result::ok) {
        let seen = match openat(CWD, task.path().join("fd"), FOLDER, Mode::empty()) {
            // all threads share one table of descriptors, but for the exited leader
            Ok(folder) => read_links(open, &folder, pid),
            Err(lack) if is_ours(lack) => return Err(lack.into()),
            Err(_) => continue,
        };
        if seen.any {
            return Ok(Some(seen));
        }
    }
    Ok(Some(Seen { any: false, unreadable: true }))
}

fn read_links(open: &mut Open, folder: &OwnedFd, pid: u32) -> Seen {
    let mut seen = Seen::default();
    let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
    let mut entries = RawDir::new(folder, &mut buffer);
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry.map_err(|error| seen.unreadable |= error != Errno::NOENT) else { break };
        if entry.file_name().to_bytes().first() == Some(&b'.') {
            continue;
        }
        seen.any = true;
        let mut link = [MaybeUninit::uninit(); 64];
        match readlinkat_raw(folder, entry.file_name(), &mut link) {
            Ok((target, _)) => note(open, target, pid),
            Err(Errno::NOENT | Errno::SRCH) => {} // closed meanwhile
            Err(_) => seen.unreadable = true,
        }
    }
    seen
}

/// Notes what a link points at, where that is a socket.
fn note(open: &mut Open, target: &[u8], pid: u32) {
    let inode = target.strip_prefix(b"socket:[").and_then(|rest| rest.strip_suffix(b"]"));
    let inode = inode.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u64>().ok());
    if let Some(inode) = inode {
        open.note(inode, pid);
    }
}

fn number(name: &CStr) -> Option<u32> {
    let name = name.to_bytes();
    name.first().filter(|byte| byte.is_ascii_digit())?;
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// Opens a folder whose path is put together on the stack.
fn open_folder(at: BorrowedFd<'_>, parts: &[&[u8]], path: &mut [u8; 32]) -> rustix::io::Result<OwnedFd> {
    let mut length = 0;
    for part in parts {
        path[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    }
    openat(at, &path[..length], FOLDER, Mode::empty())
}
