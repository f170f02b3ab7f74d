//! `--stop`: servers with all their processes, those that are named or all.

use std::io::Write;

use ensure_up::{
    Action, Folders, Record,
    report::start_record::StartRecord,
    stop::{order::order, server},
};
use proc_tree::cli::{
    args::OutputError,
    status::{Exit, UsageError},
    text,
};

use super::{
    arguments::Arguments,
    status::{self, Status},
    words,
};

pub(super) fn stop(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let folders = Folders::find()?;
    let names = arguments.servers();
    if arguments.all && !names.is_empty() {
        return Err(UsageError::new("--all stops every server: give either names or --all").into());
    }
    let records = order(&folders, &names)?;
    let is_found = |name: &&String| records.iter().any(|one| one.name == **name || one.port.to_string() == **name);
    for name in names.iter().filter(|name| !is_found(name)) {
        arguments.note(&format!("{name}: not running"));
    }
    let mut exit = Status::Done.into();
    for record in records {
        let (name, port) = (record.name.clone(), record.port);
        match server::stop(&folders, record) {
            Ok(stopped) => report(arguments, &stopped, out)?,
            Err(failure) => {
                exit = status::after(&failure);
                let why = text::failure(&failure);
                words::say(&format!("ensure-up: {} on port {port}: {why}", text::escape(&name)));
            }
        }
    }
    Ok(exit)
}

fn report(arguments: &Arguments, stopped: &server::Stopped, out: &mut dyn Write) -> Result<(), OutputError> {
    let Record { name, port, .. } = &stopped.record;
    if arguments.json {
        return Ok(StartRecord::stopped(&stopped.record, stopped.identity).write(out)?);
    }
    let Some(identity) = stopped.identity else {
        arguments.note(&format!("{} on port {port}: not running", text::escape(name)));
        return Ok(());
    };
    if arguments.pids {
        writeln!(out, "{identity}")?;
    } else {
        writeln!(out, "{} {} on port {port} (pid {identity})", Action::Stopped.word(), text::escape(name))?;
    }
    Ok(out.flush()?)
}
