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

use crate::{
    End, Failure, Port, ServerProcesses,
    event::block_on,
    server::orphans,
    signals::Signals,
    stop::whole::{self, Killed, Manner},
};

/// How the command ended.
#[derive(Debug)]
pub enum Then {
    /// With this status; 128 and the signal's number when a signal ended it.
    Ended(u8),
    /// This tool was asked to end.
    Interrupted {
        /// By this signal.
        signal: Signal,
        /// What came of the command, which was asked to end as well.
        command: Result<Killed, Failure>,
    },
}

/// A server that the command needs.
#[derive(Debug)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// Its processes.
    pub processes: ServerProcesses,
}

/// Runs a command in the shell and waits for it. `died` is told when a server ends meanwhile.
///
/// The command has this process's streams and process group, so that a terminal's Ctrl-C reaches it; a signal to this
/// process alone is passed on to it and all its descendants, which have `grace` to end.
///
/// # Errors
/// When the shell cannot be started or waited for; then it does not run.
pub fn run(
    command: &OsStr,
    port: Option<Port>,
    grace: Duration,
    needed: &mut [Needed],
    died: &mut dyn FnMut(&str, End),
) -> Result<Then, Failure> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).envs(port.map(|port| ("PORT", port.number.to_string())));
    orphans::release();
    let ran = block_on(async {
        // first of all: from here on a signal ends the command as well
        let signals = Signals::catch().map_err(Failure::system("catch signals"))?;
        let child = shell.spawn().map_err(Failure::system("start the shell"))?;
        let shell = Shell { child, has_ended: false };
        wait(shell, signals, grace, needed, died).await.map_err(Failure::system("wait for the command"))
    });
    ran.map_err(Failure::system("wait"))?
}

/// The shell that runs the command; killed when it is dropped before it has ended.
struct Shell {
    child: Child,
    has_ended: bool,
}

impl Drop for Shell {
    fn drop(&mut self) {
        if !self.has_ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

async fn wait(
    mut shell: Shell,
    mut signals: Signals,
    grace: Duration,
    needed: &mut [Needed],
    died: &mut dyn FnMut(&str, End),
) -> io::Result<Then> {
    let identity = Identity::of(shell.child.id())?;
    let handle = identity.map(Handle::open).transpose()?.flatten();
    let mut is_up = vec![true; needed.len()];
    loop {
        if let Some(status) = shell.child.try_wait()? {
            shell.has_ended = true;
            return Ok(Then::Ended(code(status)));
        }
        for (one, is_up) in needed.iter_mut().zip(&mut is_up).filter(|(_, is_up)| **is_up) {
            if let Some(end) = one.processes.end()? {
                *is_up = false;
                died(&one.name, end);
            }
        }
        select! {
            () = ended(handle.as_ref()) => {}
            () = changed(needed, &is_up) => {}
            signal = signals.next() => {
                let roots: Vec<Identity> = identity.into_iter().collect();
                let command = whole::stop_trees(&roots, Manner { signal: Some(signal), grace });
                // one that cannot be stopped is not waited for either
                shell.has_ended = true;
                if command.is_ok() {
                    shell.child.wait()?;
                }
                return Ok(Then::Interrupted { signal, command });
            }
        }
    }
}

/// Waits until one of the servers that are up may have ended.
async fn changed(needed: &[Needed], is_up: &[bool]) {
    let watched = needed.iter().zip(is_up).filter(|(_, is_up)| **is_up);
    let mut changes: FuturesUnordered<_> = watched.map(|(one, _)| one.processes.changed()).collect();
    if changes.next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Without a handle the process has ended already.
async fn ended(process: Option<&Handle>) {
    if let Some(process) = process {
        let _ = health_wait::ended(process).await;
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}
