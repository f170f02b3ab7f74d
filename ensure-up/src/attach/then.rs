//! A command that runs while the server is up.

use std::{
    ffi::OsStr,
    io,
    os::fd::AsFd,
    process::{Child, Command},
    time::Duration,
};

use proc_tree::{Handle, Identity, Signal};
use tokio::select;

use super::changed::changed;
use crate::{
    End, Failure, ServerProcesses,
    event::block_on,
    log::{merged::Merged, shown::Shown},
    server::orphans,
    signals::Signals,
    stop::{killed::Killed, manner::Manner, whole},
};

/// How the command ended.
#[derive(Debug)]
pub enum Then {
    /// By itself, in this way.
    Ended(End),
    /// This tool was asked to end.
    Interrupted {
        /// By this signal.
        signal: Signal,
        /// What came of the command, which was asked to end as well.
        command: Result<Killed, Failure>,
    },
}

/// Is told that the server in this place has ended, and how.
pub type Died<'d> = dyn FnMut(usize, End) + 'd;

/// Runs a command in the shell and waits for it, with these variables. What the logs say meanwhile
/// goes to stderr, and `died` is told which server ends.
///
/// The command has this process's streams and process group, so that a terminal's Ctrl-C reaches it; a signal to this
/// process alone is passed on to it and all its descendants, which have `grace` to end.
///
/// # Errors
/// When the shell cannot be started or waited for; then it does not run.
pub fn run(
    command: &OsStr,
    variables: &[(String, String)],
    grace: Duration,
    servers: &mut [ServerProcesses],
    logs: &mut Merged,
    died: &mut Died<'_>,
) -> Result<Then, Failure> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).envs(variables.iter().map(|(name, value)| (name, value)));
    orphans::release();
    let ran = block_on(async {
        // first of all: from here on a signal ends the command as well
        let signals = Signals::catch().map_err(Failure::system("catch signals"))?;
        let shown = Shown::on(logs, io::stderr().as_fd()).map_err(Failure::system("follow the log"))?;
        let child = shell.spawn().map_err(Failure::system("start the shell"))?;
        let shell = Shell { child, has_ended: false };
        wait(shell, signals, grace, servers, shown, died).await.map_err(Failure::system("wait for the command"))
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
    servers: &mut [ServerProcesses],
    mut shown: Shown<'_>,
    died: &mut Died<'_>,
) -> io::Result<Then> {
    let identity = Identity::of(shell.child.id())?;
    let handle = identity.map(Handle::open).transpose()?.flatten();
    let mut is_up = vec![true; servers.len()];
    loop {
        if let Some(status) = shell.child.try_wait()? {
            shell.has_ended = true;
            return Ok(Then::Ended(status.into()));
        }
        for (place, server) in servers.iter_mut().enumerate().filter(|(place, _)| is_up[*place]).collect::<Vec<_>>() {
            if let Some(end) = server.end()? {
                is_up[place] = false;
                died(place, end);
            }
        }
        shown.round();
        select! {
            () = ended(handle.as_ref()) => {}
            () = changed(servers, &is_up) => {}
            () = shown.changed() => {}
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

/// Without a handle the process has ended already.
async fn ended(process: Option<&Handle>) {
    if let Some(process) = process {
        let _ = health_wait::ended(process).await;
    }
}
