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
    let path = match path_of(&place, &Folders::find()?, name)? {
        Ok(path) => path,
        Err(why) => {
            words::say(&format!("ensure-up: {why}"));
            return Ok(Status::No.into());
        }
    };
    if !path.exists() {
        words::say(&format!("ensure-up: there is no log {}", text::path(&path)));
        return Ok(Status::No.into());
    }
    let mut log = Follow::open(&path)?;
    loop {
        log.copy(out).map_err(OutputError)?;
        if !arguments.follow_log {
            return Ok(Status::Done.into());
        }
        log.wait()?;
    }
}

/// A server that was stopped, or that never came up, may have left its log.
fn path_of(place: &Place, folders: &Folders, name: &str) -> anyhow::Result<Result<PathBuf, String>> {
    let known = known::servers(folders)?;
    if let Meant::One(one) = place.find(name, &known)? {
        let log = one.record.log.clone();
        return Ok(log.ok_or_else(|| format!("nothing is known of a log of {}", one.record.title())));
    }
    if let Some(service) = place.service(name) {
        return Ok(Ok(service.log_path(&folders.logs, service.ports.low)));
    }
    let left = name.parse().ok().and_then(|port| folders.last_log(port));
    Ok(left.ok_or_else(|| format!("no server is named {name:?} in this folder")))
}
