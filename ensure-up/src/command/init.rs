//! `--init`: writes the services file of this folder from what runs here.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

use anyhow::Context;
use ensure_up::{
    StateFolder,
    init::{
        found::{self, Here, Titled},
        taken, text,
    },
    service::file::{Config, FILE},
};
use proc_tree::cli::{
    args::OutputError,
    command_line,
    status::{Exit, UsageError},
    text as shown,
};

use super::{arguments::Arguments, status::Status, usage, words};

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
    let state_folder = StateFolder::find()?;
    let here = found::find(&state_folder, &folder)?;
    if here.found.is_empty() && here.titled.is_empty() {
        words::say(
            "ensure-up: nothing runs here: no server of this folder, and nothing that listens was started in it",
        );
        return Ok(Status::No.into());
    }
    let written = text::of(&here);
    let config = Config::parse(&path, &written, None).map_err(|error| usage::config(&error))?;
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(is_there(&path).into()),
        file => file.and_then(|mut file| file.write_all(written.as_bytes())),
    }
    .with_context(|| format!("cannot write {}", shown::path(&path)))?;
    for (spec, found) in config.services.into_iter().zip(&here.found) {
        taken::take(&state_folder, &usage::resolve(spec)?, found)?;
    }
    out.write_all(written.as_bytes()).and_then(|()| out.flush()).map_err(OutputError)?;
    let is_whole = !here.found.is_empty() && here.found.iter().all(|found| found.variables.is_empty());
    let takes = if is_whole { "; ensure-up --all takes them as they run" } else { "" };
    arguments.note(&format!("wrote {}{takes}", shown::path(&path)));
    for note in notes(&here) {
        arguments.note(&format!("note: {note}"));
    }
    Ok(Status::Done.into())
}

/// Says what the file does not.
fn notes(here: &Here) -> Vec<String> {
    let mut notes = Vec::new();
    for found in &here.found {
        let name = shown::escape(found.spec.name.as_deref().unwrap_or_default());
        let left_out = found.left_out.iter().map(|needed| shown::escape(needed));
        notes.extend(left_out.map(|needed| format!("{name} depended on {needed}, which does not run: it is left out")));
        if !found.variables.is_empty() {
            let variables = found.variables.iter().map(|name| shown::escape(name)).collect::<Vec<_>>().join(", ");
            notes.push(format!(
                "{name} runs with {variables} set, which is not copied: ensure-up --all takes it once env in the file sets that"
            ));
        }
    }
    let kept_up = here.found.iter().filter(|found| found.spec.supervision.keep_up);
    let names: Vec<&str> = kept_up.filter_map(|found| found.spec.name.as_deref()).collect();
    if let Some((last, first)) = names.split_last() {
        let listed =
            if first.is_empty() { format!("{last} is") } else { format!("{} and {last} are", first.join(", ")) };
        let (listed, typed) = (shown::escape(&listed), command_line::typed(names.iter().copied()));
        notes.push(format!(
            "how {listed} kept up is not recorded: ensure-up --restart {typed} takes what the file says"
        ));
    }
    for Titled { port, process, .. } in &here.titled {
        let title = shown::escape(process.command_line().trim_end()).into_owned();
        notes.push(format!(
            "{title} (pid {}) listens on port {port} and does not show how it was started: its table in the file is a comment, to be filled in",
            process.pid
        ));
    }
    notes
}

fn is_there(path: &Path) -> UsageError {
    UsageError::new(format!("{} is there already", shown::path(path))).hint("--file names another one to write")
}
