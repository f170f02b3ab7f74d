//! Staying attached to a server: its log on stderr, signals passed on, its end told.

use std::{io::Write, path::Path};

use proc_tree::Signal;
use tokio::select;

use crate::{Ending, Failure, Life, Service, health, log::follow::Follow, signals::Signals, stop::tree};

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attended {
    /// By itself.
    Ended(Ending),
    /// This tool was asked to end; the server was stopped if this call had started it.
    Interrupted(Signal),
}

/// Stays attached until the server ends or this tool is asked to end.
///
/// # Errors
/// When the server or its log cannot be watched, or the server cannot be stopped.
pub fn attend(
    service: &Service,
    life: &mut Life,
    is_ours: bool,
    log: Option<&Path>,
    err: &mut dyn Write,
) -> Result<Attended, Failure> {
    let attended = health::block_on(follow(life, log, is_ours, err)).map_err(Failure::system("wait"))??;
    if let (Attended::Interrupted(signal), true) = (attended, is_ours) {
        let whole = life.whole().map_err(Failure::system("watch the server"))?;
        tree::stop(&whole, signal, service.spec.grace).map_err(Failure::system("stop the server"))?;
    }
    Ok(attended)
}

async fn follow(life: &mut Life, log: Option<&Path>, whole: bool, err: &mut dyn Write) -> Result<Attended, Failure> {
    let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    let mut log = log.map(Follow::open).transpose().map_err(Failure::system("follow the log"))?;
    if let Some(log) = log.as_mut().filter(|_| !whole) {
        log.skip();
    }
    loop {
        let ended = life.ended().map_err(Failure::system("watch the server"))?;
        if let Some(log) = &mut log {
            // a closed stderr ends nothing
            let _ = log.copy(err);
        }
        if let Some(ending) = ended {
            return Ok(Attended::Ended(ending));
        }
        select! {
            () = life.change() => {}
            () = changed(log.as_mut()) => {}
            signal = signals.next() => return Ok(Attended::Interrupted(signal)),
        }
    }
}

async fn changed(log: Option<&mut Follow>) {
    match log {
        Some(log) => log.changed().await,
        None => std::future::pending().await,
    }
}
