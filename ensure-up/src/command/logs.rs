//! `--logs`: a server's log, with -f what comes as well.

use std::{io::Write, path::PathBuf};

use ensure_up::{Folders, ServerRecord, log::follow::Follow};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
    text,
};

use super::{arguments::Arguments, status::Status, words};

pub(super) fn print(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let names = arguments.servers();
    let [name] = names.as_slice() else {
        return Err(UsageError::new("--logs takes one server: its name or its port").into());
    };
    let Some(path) = path_of(&Folders::find()?, name)? else {
        words::say(&format!("ensure-up: no server is named {name:?}"));
        return Ok(Status::No.into());
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
fn path_of(folders: &Folders, name: &str) -> anyhow::Result<Option<PathBuf>> {
    for port in ServerRecord::ports(folders)? {
        let record = ServerRecord::read(folders, port);
        if let Some(record) = record.filter(|record| record.name == name || port.to_string() == name) {
            return Ok(record.log);
        }
    }
    let left = folders.logs.join(format!("{name}.log"));
    Ok(name.parse::<u16>().ok().filter(|_| left.exists()).map(|_| left))
}
