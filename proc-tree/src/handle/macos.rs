//! macOS: kqueue(2) with `EVFILT_PROC`, kill(2). Type-checked from Linux, never run.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    process::ExitStatus,
    ptr,
    sync::Arc,
};

use nix::{errno::Errno, unistd::Pid};

use crate::{Identity, Signal};

pub(super) fn open(identity: Identity) -> io::Result<Option<Arc<OwnedFd>>> {
    let Some(queue) = watch(identity.pid)? else { return Ok(None) };
    Ok(identity.is_running()?.then(|| queue.into()))
}

fn watch(pid: u32) -> io::Result<Option<OwnedFd>> {
    // SAFETY: kqueue(2) takes nothing and returns a new descriptor or -1.
    let queue = unsafe { libc::kqueue() };
    if queue < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and belongs to nobody else.
    let queue = unsafe { OwnedFd::from_raw_fd(queue) };
    let change = libc::kevent {
        ident: pid as usize,
        filter: libc::EVFILT_PROC,
        flags: libc::EV_ADD,
        fflags: libc::NOTE_EXIT,
        data: 0,
        udata: ptr::null_mut(),
    };
    // SAFETY: one change is passed and no room for events.
    let status = unsafe { libc::kevent(queue.as_raw_fd(), &raw const change, 1, ptr::null_mut(), 0, ptr::null()) };
    if status == 0 {
        return Ok(Some(queue));
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        error => Err(error),
    }
}

pub(super) fn exit_status(_watch: &OwnedFd) -> Option<ExitStatus> {
    None
}

pub(super) fn signal(identity: Identity, _watch: &OwnedFd, signal: Signal) -> io::Result<bool> {
    signal_once(identity, signal)
}

pub(super) fn signal_once(identity: Identity, signal: Signal) -> io::Result<bool> {
    if !identity.is_running()? {
        return Ok(false);
    }
    match nix::sys::signal::kill(Pid::from_raw(identity.pid.try_into().map_err(io::Error::other)?), signal.to_nix()) {
        Ok(()) => Ok(true),
        Err(Errno::ESRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn held_by(_pid: u32) -> Vec<u32> {
    Vec::new()
}
