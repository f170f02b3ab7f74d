//! Linux: pidfd_open(2), pidfd_send_signal(2); without them kill(2) and a thread that looks.

use std::{fs, io, os::fd::OwnedFd};

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

pub(super) fn open(identity: Identity) -> io::Result<Option<OwnedFd>> {
    let support = pidfd::support()?;
    if support == Support::None {
        return if identity.is_running()? { lookout::watch(identity).map(Some) } else { Ok(None) };
    }
    let Some(opened) = pidfd::open(identity.pid)? else { return Ok(None) };
    let is_it = match support {
        Support::Identities => pidfd::inode(&opened)? == identity.start_id && !pidfd::has_ended(&opened)?,
        Support::Handles | Support::None => identity.is_running()?,
    };
    Ok(is_it.then_some(opened))
}

pub(super) fn signal(identity: Identity, descriptor: &OwnedFd, signal: Signal) -> io::Result<bool> {
    let signal = rustix::process::Signal::from_named_raw(signal.number()).ok_or(io::ErrorKind::InvalidInput)?;
    let sent = match pidfd::support()? {
        Support::Handles | Support::Identities => pidfd_send_signal(descriptor, signal),
        Support::None if !identity.is_running()? => Err(Errno::SRCH),
        Support::None => {
            let pid = i32::try_from(identity.pid).ok().and_then(Pid::from_raw);
            pid.map_or(Err(Errno::SRCH), |pid| kill_process(pid, signal))
        }
    };
    match sent {
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
