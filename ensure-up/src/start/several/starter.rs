//! The process that starts one service: this program again.

use std::{
    env, io,
    path::Path,
    process::{ExitStatus, Stdio},
};

use proc_tree::{Handle, Identity};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

use super::report::{Said, StartReport};
use crate::{
    ServiceSpec,
    server::{environment::Environment, folder},
    service::handover,
    start::waiting::Waiting,
};

/// How a starter ended, and what it said of its start.
pub(super) type Output = (ExitStatus, Option<StartReport>);

/// The process, from before it is told what to start: where that never comes, it ends.
#[derive(Debug)]
pub(super) struct Starter(Child);

impl Starter {
    /// Makes the process that will start the service of this name in a folder.
    pub(super) fn make(name: &str, folder: &Path, environment: Option<&Environment>) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("--starter").arg(name).current_dir(folder);
        if let Some(environment) = environment {
            let place = env::var_os(folder::VARIABLE).map(|value| (folder::VARIABLE.into(), value));
            command.env_clear().envs(environment.iter().cloned().chain(place));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map(Self)
    }

    /// Has it start the service; `told` takes in what it waits for. Returns the process, and the wait for its end.
    pub(super) fn begin<T: FnMut(Waiting)>(
        self,
        service: &ServiceSpec,
        told: T,
    ) -> io::Result<(Option<Handle>, impl Future<Output = io::Result<Output>> + use<T>)> {
        let Self(mut child) = self;
        let identity = child.id().map(Identity::of).transpose()?.flatten();
        let spec = handover::written(service)?;
        let output = async move {
            if let Some(mut stdin) = child.stdin.take() {
                // one that does not read has ended, which is seen next
                let _ = stdin.write_all(&spec).await;
            }
            let report = match child.stdout.take() {
                Some(stdout) => listen(stdout, told).await,
                None => None,
            };
            child.wait().await.map(|status| (status, report))
        };
        Ok((identity.map(Handle::open).transpose()?.flatten(), output))
    }
}

/// Reads what a process says of its start, to the end.
async fn listen(stdout: impl AsyncRead + Unpin, mut told: impl FnMut(Waiting)) -> Option<StartReport> {
    let (mut lines, mut report) = (BufReader::new(stdout).lines(), None);
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Said::Waiting(waiting)) => told(waiting),
            Ok(Said::Ended(ended)) => report = Some(*ended),
            Err(_) => {}
        }
    }
    report
}
