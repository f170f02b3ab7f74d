//! `--init`: writes the services file of this folder from what runs here.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

use anyhow::Context;
use ensure_up::{
    Folders,
    init::{found, taken, text},
    service::file::{Config, FILE},
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
    text as shown,
};

use super::{arguments::Arguments, one, several, status::Status, words};

pub(super) fn write(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if !arguments.names.is_empty() || !arguments.spec.command.is_empty() || arguments.spec.port.is_some() {
        return Err(UsageError::new("--init writes down what runs here: it takes neither names nor a command").into());
    }
    let path = match &arguments.file {
        Some(path) => std::path::absolute(path).context("cannot find the working folder")?,
        None => env::current_dir().context("cannot find the working folder")?.join(FILE),
    };
    if path.symlink_metadata().is_ok() {
        return Err(is_there(&path).into());
    }
    let folder = path.parent().unwrap_or(Path::new("/")).canonicalize();
    let folder = folder.with_context(|| format!("cannot write {}", shown::path(&path)))?;
    let folders = Folders::find()?;
    let found = found::find(&folders, &folder)?;
    if found.is_empty() {
        words::say(
            "ensure-up: nothing runs here: no server of this folder, and nothing that listens was started in it",
        );
        return Ok(Status::No.into());
    }
    let written = text::of(&found);
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_there(&path).into()),
        file => file.and_then(|mut file| file.write_all(written.as_bytes())),
    }
    .with_context(|| format!("cannot write {}", shown::path(&path)))?;
    let config = Config::read(&path, None).map_err(|error| several::usage(&error))?;
    for (spec, found) in config.services.into_iter().zip(&found) {
        taken::take(&folders, &one::resolve(spec)?, found)?;
    }
    out.write_all(written.as_bytes()).and_then(|()| out.flush()).map_err(OutputError)?;
    arguments.note(&format!("wrote {}; ensure-up --all takes them as they run", shown::path(&path)));
    for found in found.iter().filter(|found| found.spec.supervision.keep_up) {
        let name = found.spec.name.as_deref().unwrap_or_default();
        arguments.note(&format!(
            "note: how {name} is kept up is not recorded: ensure-up --restart {name} takes what the file says"
        ));
    }
    Ok(Status::Done.into())
}

fn is_there(path: &Path) -> UsageError {
    UsageError::new(format!("{} is there already", shown::path(path))).hint("--file names another one to write")
}
