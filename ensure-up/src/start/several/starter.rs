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

use super::report::{EndedStart, Said};
use crate::{
    ServiceSpec,
    server::{environment::Environment, folder},
    service::handover,
    start::waiting::Waiting,
};

/// What a starter said of its start, else how it ended; and the process, which ends now.
pub(super) type Output = (Result<EndedStart, ExitStatus>, Child);

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

    /// Has it start the service; `told` takes in what it waits for. Returns the process, and the wait until it is over.
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
            let said = match child.stdout.take() {
                Some(stdout) => listen(stdout, told).await,
                None => None,
            };
            let ended = match said {
                Some(start) => Ok(start),
                None => Err(child.wait().await?),
            };
            Ok((ended, child))
        };
        Ok((identity.map(Handle::open).transpose()?.flatten(), output))
    }
}

/// Reads what a process says of its start until that is over; `None` where it ends without a word about that.
async fn listen(stdout: impl AsyncRead + Unpin, mut told: impl FnMut(Waiting)) -> Option<EndedStart> {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Said::Waiting(waiting)) => told(waiting),
            Ok(Said::Ended(ended)) => return Some(*ended),
            Err(_) => {}
        }
    }
    None
}
