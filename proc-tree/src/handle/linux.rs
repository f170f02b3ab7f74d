//! Linux: pidfd_open(2), pidfd_send_signal(2); without them kill(2) and a thread that looks.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::ExitStatus,
    sync::Arc,
};

use nix::libc;
use rustix::{
    io::Errno,
    process::{Pid, kill_process, pidfd_send_signal},
};

use crate::{
    Identity, Signal,
    process::pidfd::{self, Support},
};

#[path = "linux/lookout.rs"]
mod lookout;

pub(super) fn open(identity: Identity) -> io::Result<Option<Arc<OwnedFd>>> {
    let support = pidfd::support()?;
    if support == Support::None {
        return if identity.is_running()? { lookout::watch(identity).map(Some) } else { Ok(None) };
    }
    let Some(opened) = pidfd::open(identity.pid)? else { return Ok(None) };
    let is_it = match support {
        Support::Identities => pidfd::start_id(&opened)? == identity.start_id && !pidfd::has_ended(&opened)?,
        Support::Handles | Support::None => identity.is_running()?,
    };
    Ok(is_it.then(|| opened.into()))
}

pub(super) fn exit_status(descriptor: &OwnedFd) -> Option<ExitStatus> {
    let info = pidfd::info(descriptor, libc::PIDFD_INFO_EXIT).ok()??;
    Some(ExitStatus::from_raw(info.exit_code))
}

pub(super) fn signal(identity: Identity, descriptor: &OwnedFd, signal: Signal) -> io::Result<bool> {
    match pidfd::support()? {
        Support::Handles | Support::Identities => is_sent(pidfd_send_signal(descriptor, raw(signal)?)),
        Support::None => signal_unheld(identity, signal),
    }
}

pub(super) fn signal_once(identity: Identity, signal: Signal) -> io::Result<bool> {
    if pidfd::support()? == Support::None {
        return signal_unheld(identity, signal);
    }
    open(identity)?.map_or(Ok(false), |descriptor| is_sent(pidfd_send_signal(&*descriptor, raw(signal)?)))
}

/// Reads the identity right before the signal.
fn signal_unheld(identity: Identity, signal: Signal) -> io::Result<bool> {
    match i32::try_from(identity.pid).ok().and_then(Pid::from_raw) {
        Some(pid) if identity.is_running()? => is_sent(kill_process(pid, raw(signal)?)),
        _ => Ok(false),
    }
}

fn raw(signal: Signal) -> io::Result<rustix::process::Signal> {
    Ok(rustix::process::Signal::from_named_raw(signal.number()).ok_or(io::ErrorKind::InvalidInput)?)
}

fn is_sent(answer: rustix::io::Result<()>) -> io::Result<bool> {
    match answer {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn held_by(pid: u32) -> Vec<u32> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let texts = descriptors.filter_map(|descriptor| fs::read_to_string(descriptor.path()).ok());
    let held = |text: String| text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    texts.filter_map(held).collect()
}
