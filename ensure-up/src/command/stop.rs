//! `--stop`: servers with all their processes, those that are named or all.

use std::io::Write;

use ensure_up::{
    Action, Failure, Folders, ServerRecord,
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
    let mut exit = Status::Done.into();
    for name in names.iter().filter(|name| !is_found(name)) {
        // of a port without a server of ours there is only to say who holds it
        match name.parse().map_or(Ok(()), |port| server::free(port, false)) {
            Ok(()) => arguments.note(&format!("{name}: not running")),
            Err(failure) => exit = failed(&failure, None),
        }
    }
    for record in records {
        let known = record.clone();
        match server::stop(&folders, record) {
            Ok(stopped) => report(arguments, &stopped, out)?,
            Err(failure) => {
                exit = failed(&failure, Some(&known));
                if arguments.json {
                    let why = text::failure(&failure);
                    StartRecord::failed(&known.name, Some(known.port), &failure, why)
                        .write(out)
                        .map_err(OutputError)?;
                }
            }
        }
    }
    Ok(exit)
}

/// Says why a server is not gone: what is left of it is the honest no.
fn failed(failure: &Failure, record: Option<&ServerRecord>) -> Exit {
    let mut explanation = words::explain(failure);
    if let Some(ServerRecord { name, port, .. }) = record {
        explanation.message = format!("{} on port {port}: {}", text::escape(name), explanation.message);
    }
    explanation.lines().for_each(|line| words::say(&line));
    match failure {
        Failure::Left(_) | Failure::NotStopped { .. } => Status::No.into(),
        _ => status::after(failure),
    }
}

fn report(arguments: &Arguments, stopped: &server::Stopped, out: &mut dyn Write) -> Result<(), OutputError> {
    let ServerRecord { name, port, .. } = &stopped.record;
    stopped.killed.lines.iter().for_each(|line| arguments.note(line));
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
