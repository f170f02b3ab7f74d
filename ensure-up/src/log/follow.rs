//! Following logs until somebody asks to end, or nobody reads any more.

use std::{
    future::pending,
    io::{self, Write},
    os::fd::BorrowedFd,
};

use proc_tree::Signal;
use tokio::{
    io::{Interest, unix::AsyncFd},
    select, task,
};

use crate::{Failure, event::block_on, log::merged::Merged, signals::Signals};

/// How it ended.
#[derive(Debug)]
pub enum Followed {
    /// This tool was asked to end.
    Interrupted(Signal),
    /// What was to be shown could not be written.
    Unwritten(io::Error),
}

/// Copies what the logs hold and then what comes; `reader` is the descriptor behind `out`.
///
/// # Errors
/// When the logs cannot be watched or signals not be caught.
pub fn follow(logs: &mut Merged, out: &mut dyn Write, reader: BorrowedFd<'_>) -> Result<Followed, Failure> {
    block_on(run(logs, out, reader)).map_err(Failure::system("wait"))?
}

async fn run(logs: &mut Merged, out: &mut dyn Write, reader: BorrowedFd<'_>) -> Result<Followed, Failure> {
    let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    logs.watch().map_err(Failure::system("follow the log"))?;
    // SAFETY: the descriptor is borrowed, and so stays open and the same.
    let reader = Reader(unsafe { AsyncFd::register_with_interest(reader, Interest::ERROR) }.ok());
    loop {
        let has_more = match logs.copy(out) {
            Ok(has_more) => has_more,
            Err(error) => return Ok(Followed::Unwritten(error)),
        };
        select! {
            () = logs.changed() => {}
            () = task::yield_now(), if has_more => {}
            () = reader.is_gone() => return Ok(Followed::Unwritten(io::ErrorKind::BrokenPipe.into())),
            signal = signals.next() => {
                // what has no end yet is shown all the same
                return Ok(logs.end(out).map_or_else(Followed::Unwritten, |()| Followed::Interrupted(signal)));
            }
        }
    }
}

/// Who reads; a file has nobody who could go away.
struct Reader<'r>(Option<AsyncFd<BorrowedFd<'r>>>);

impl Reader<'_> {
    async fn is_gone(&self) {
        if let Some(reader) = &self.0
            && reader.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
        pending::<()>().await;
    }
}
