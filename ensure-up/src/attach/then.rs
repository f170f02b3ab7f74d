//! A command that runs while the server is up.

use std::{
    ffi::OsStr,
    io,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use proc_tree::Signal;
use proc_tree::{Handle, Identity};
use tokio::select;

use crate::{Ending, Failure, Life, health, server::life, signals::Signals, stop::tree};

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// With this status; 128 and the signal's number when a signal ended it.
    Ended(u8),
    /// This tool was asked to end, and so was the command.
    Interrupted(Signal),
}

/// A server that the command needs.
#[derive(Debug)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// Whether it lives.
    pub life: Life,
}

/// Runs a command in the shell and waits for it. `died` is told when a server ends meanwhile.
///
/// The command has this process's streams and process group, so that a terminal's Ctrl-C reaches it; a signal to this
/// process alone is passed on to it and all its descendants, which have `grace` to end.
///
/// # Errors
/// When the shell cannot be started or waited for.
pub fn run(
    command: &OsStr,
    port: Option<u16>,
    grace: Duration,
    needed: &mut [Needed],
    died: &mut dyn FnMut(&str, Ending),
) -> Result<Then, Failure> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).envs(port.map(|port| ("PORT", port.to_string())));
    life::leave_orphans();
    let child = shell.spawn().map_err(Failure::system("start the shell"))?;
    let waited = health::block_on(wait(child, grace, needed, died)).map_err(Failure::system("wait"))?;
    waited.map_err(Failure::system("wait for the command"))
}

async fn wait(
    mut child: Child,
    grace: Duration,
    needed: &mut [Needed],
    died: &mut dyn FnMut(&str, Ending),
) -> io::Result<Then> {
    let mut signals = Signals::catch()?;
    let identity = Identity::of(child.id())?;
    let handle = identity.map(Handle::open).transpose()?.flatten();
    let mut is_up = vec![true; needed.len()];
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Then::Ended(code(status)));
        }
        for (one, is_up) in needed.iter_mut().zip(&mut is_up).filter(|(_, is_up)| **is_up) {
            if let Some(ending) = one.life.ended()? {
                *is_up = false;
                died(&one.name, ending);
            }
        }
        select! {
            () = finished(handle.as_ref()) => {}
            () = change(needed, &is_up) => {}
            signal = signals.next() => {
                let roots: Vec<Identity> = identity.into_iter().collect();
                tree::stop(&roots, signal, grace)?;
                let _ = child.wait()?;
                return Ok(Then::Interrupted(signal));
            }
        }
    }
}

/// Waits until one of the servers that are up may have ended.
async fn change(needed: &[Needed], is_up: &[bool]) {
    let watched = needed.iter().zip(is_up).filter(|(_, is_up)| **is_up);
    let mut changes: FuturesUnordered<_> = watched.map(|(one, _)| one.life.change()).collect();
    if changes.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Without a handle the process has ended already.
async fn finished(process: Option<&Handle>) {
    if let Some(process) = process {
        let _ = health_wait::ended(process).await;
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}
