//! The changes of files that start a server again, with a brake for those that the server makes itself.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use proc_tree::cli::{duration, text};
use tokio::time::{Instant, sleep_until};

use super::{brake::Brake, reload::Reload, said::say};
use crate::{event::or_never, log::pump::Pump};

/// The files that are watched, and what has changed of them.
#[derive(Debug)]
pub(super) struct Changes {
    folder: PathBuf,
    reload: Reload,
    brake: Brake,
    started: Instant,
    /// A change that is waited with.
    due: Option<(Instant, PathBuf)>,
    /// Why a change was waited with, since the last one that was not.
    braked: Option<String>,
    output: Arc<Pump>,
}

impl Changes {
    /// Takes over the watch on the files of a folder; what is to be said goes to the log.
    pub(super) fn of(folder: &Path, reload: Reload, output: Arc<Pump>) -> Self {
        Self {
            folder: folder.to_owned(),
            reload,
            brake: Brake::default(),
            started: Instant::now(),
            due: None,
            braked: None,
            output,
        }
    }

    /// Takes note that the server is started now.
    pub(super) fn starts(&mut self) {
        self.started = Instant::now();
    }

    /// Says why changes are waited with, if they are.
    pub(super) fn braked(&self) -> Option<&str> {
        self.braked.as_deref()
    }

    /// Waits for the change that starts the server again. Nothing is lost when the wait is dropped.
    pub(super) async fn next(&mut self) -> PathBuf {
        loop {
            let due = self.due.as_ref().map(|(at, _)| sleep_until(*at));
            let path = tokio::select! {
                biased;
                () = or_never(due) => match self.due.take() {
                    Some((_, path)) => return path,
                    None => continue,
                },
                path = self.reload.changed() => path,
            };
            match &self.due {
                // the server goes on writing to it
                Some((_, waited)) if *waited == path => {}
                _ => {
                    let pause = self.brake.changed(&path, self.started.elapsed());
                    self.due = None;
                    self.braked = None;
                    if pause.is_zero() {
                        return path;
                    }
                    let name = text::path(path.strip_prefix(&self.folder).unwrap_or(&path));
                    let why = format!("{name} changes each time the server starts: exclude it with '!{name}'");
                    say(&self.output, &format!("{why}; starting again in {}", duration::elapsed(pause)));
                    self.braked = Some(why);
                    self.due = Some((Instant::now() + pause, path));
                }
            }
        }
    }
}
