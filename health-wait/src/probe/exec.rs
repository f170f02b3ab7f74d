//! Whether a shell command succeeds.

use std::{
    io::{self, PipeReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use proc_tree::{Identity, Signal, Stat, handle, tree};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};

use super::answer::{Answer, Outcome};
use crate::reason::{Reason, Sign, quote};

const SHELL: &str = "/bin/sh";

/// Runs the command, and writes how it ended. That is not asked of wait(2): this process may have other children, and a
/// part that reaps whatever has ended.
const SCRIPT: &str = r#""$0" -c "$1" >&2; echo $?"#;

/// How much of what the command writes is kept, in bytes.
const TAIL: usize = 4096;

/// A shell command that says whether something is healthy.
#[derive(Debug)]
pub(crate) struct ExecProbe<'a> {
    command: &'a str,
    folder: Option<&'a Path>,
}

impl<'a> ExecProbe<'a> {
    pub(super) fn new(command: &'a str, folder: Option<&'a Path>) -> Self {
        Self { command, folder }
    }

    /// Runs it once. Dropped before it has ended, it ends with all that it started.
    pub(super) async fn run(&self) -> Outcome {
        // what keeps it from being run says nothing about what it asks
        let unable = |error: io::Error| Reason { sign: Sign::Unable, ..Reason::from_io(&error) };
        let mut running = Running::start(self.command, self.folder).map_err(unable)?;
        let (status, written) = running.finish().await.map_err(unable)?;
        match status {
            Some(0) => Ok(Answer::new("succeeds")),
            Some(status) => {
                // a command that is not found, cannot be run or was killed says nothing about what it asks
                let sign = if matches!(status, 126 | 127 | 129..=192) { Sign::Unclear } else { Sign::No };
                Err(Reason::new(sign, with_last_line(format!("ended with status {status}"), &written)))
            }
            None => Err(Reason::new(Sign::Unclear, with_last_line("was killed".into(), &written))),
        }
    }
}

/// A shell at work.
#[derive(Debug)]
struct Running {
    shell: Option<Child>,
    identity: Option<Identity>,
    status: Receiver,
    output: Receiver,
}

impl Running {
    fn start(command: &str, folder: Option<&Path>) -> io::Result<Self> {
        let ((status, status_writer), (output, output_writer)) = (io::pipe()?, io::pipe()?);
        let (status, output) = (receiver(status)?, receiver(output)?);
        let mut shell = Command::new(SHELL);
        shell.args(["-c", SCRIPT, SHELL, command]).stdin(Stdio::null()).stdout(status_writer).stderr(output_writer);
        if let Some(folder) = folder {
            shell.current_dir(folder);
        }
        let shell = shell.spawn()?;
        let identity = Identity::of(shell.id()).ok().flatten();
        Ok(Self { shell: Some(shell), identity, status, output })
    }

    /// Returns with which status the command ended, unless its shell was killed, and the end of what it wrote.
    async fn finish(&mut self) -> io::Result<(Option<u8>, Vec<u8>)> {
        let (mut status, mut written) = (Vec::new(), Vec::new());
        let mut chunk = vec![0; TAIL];
        let mut is_open = true;
        loop {
            tokio::select! {
                // what it starts in the background may write for ever
                read = self.status.read_buf(&mut status) => if read? == 0 { break },
                read = self.output.read(&mut chunk), if is_open => match read? {
                    0 => is_open = false,
                    read => keep_tail(&mut written, &chunk[..read]),
                },
            }
        }
        if let Ok(read) = self.output.try_read(&mut chunk) {
            keep_tail(&mut written, &chunk[..read]);
        }
        // it has said its last word
        let _ = self.shell.take().map(|mut shell| shell.wait());
        Ok((str::from_utf8(&status).ok().and_then(|status| status.trim().parse().ok()), written))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut shell) = self.shell.take() else { return };
        let members = tree::members(shell.id()).unwrap_or_default();
        if members.first().map(Stat::identity) == self.identity {
            for member in members {
                let _ = handle::signal(member.identity(), Signal::KILL);
            }
        }
        // one that hangs in the kernel must not keep this process
        let _ = thread::Builder::new().spawn(move || shell.wait());
    }
}

fn receiver(pipe: PipeReader) -> io::Result<Receiver> {
    Receiver::from_owned_fd(pipe.into())
}

fn keep_tail(written: &mut Vec<u8>, more: &[u8]) {
    written.extend_from_slice(more);
    written.drain(..written.len().saturating_sub(TAIL));
}

fn with_last_line(how: String, written: &[u8]) -> String {
    let written = String::from_utf8_lossy(written);
    match written.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("{how}: {}", quote(line)),
        None => how,
    }
}
