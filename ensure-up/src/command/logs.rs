//! `--logs`: a server's log, with -f what comes as well.

use std::{io::Write, path::PathBuf};

use ensure_up::{
    Folders,
    log::follow::Follow,
    server::{known, names::Meant},
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
    text,
};

use super::{arguments::Arguments, place::Place, status::Status, words};

pub(super) fn print(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let names = arguments.servers();
    let [name] = names.as_slice() else {
        return Err(UsageError::new("--logs takes one server: its name or its port").into());
    };
    let place = Place::of(arguments, &names)?;
    let Some(path) = path_of(&place, &Folders::find()?, name)? else { return Ok(Status::No.into()) };
    if !path.exists() {
        words::say(&format!("ensure-up: there is no log {}", text::path(&path)));
        return Ok(Status::No.into());
    }
    let mut log = Follow::open(&path)?;
    loop {
        if log.copy(out).map_err(OutputError)? {
            continue;
        }
        if !arguments.follow_log {
            return Ok(Status::Done.into());
        }
        log.wait()?;
    }
}

/// Finds the log that is meant, or says why there is none. A server that was stopped, or that never came up, may have left
/// its log.
fn path_of(place: &Place, folders: &Folders, name: &str) -> anyhow::Result<Option<PathBuf>> {
    let known = known::servers(folders, &name.parse().into_iter().collect::<Vec<_>>())?;
    if let Meant::One(one) = place.find(name, &known)? {
        if one.record.log.is_none() {
            words::say(&format!("ensure-up: nothing is known of a log of {}", one.record.title()));
        }
        return Ok(one.record.log.clone());
    }
    if let Some(service) = place.service(name) {
        return Ok(Some(service.log_path(&folders.logs, service.port())));
    }
    let left = name.parse().ok().and_then(|port| folders.last_log(port));
    if left.is_none() {
        place.unknown(name, &known, "--logs");
    }
    Ok(left)
}
