//! Stopping a supervisor: it stops its server itself, and would start it again if that were stopped first.

use std::time::Duration;

use nix::unistd::geteuid;
use port_kill::StopOptions;
use proc_tree::{Facts, Identity, Signal};

use crate::{
    Failure, ServerRecord, StateFolder,
    log::last,
    stop::{
        killed::{self, Killed},
        manner::Manner,
    },
};

/// How long what is killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has the supervisor of a recorded server stop it in this manner and end, if it runs, under the guard that every process is stopped under.
///
/// # Errors
/// When it lives on.
pub(crate) fn stop(state_folder: &StateFolder, record: &ServerRecord, manner: Manner) -> Result<Killed, Failure> {
    let supervisor = record.running_supervisor().map_err(Failure::system("watch the supervisor"))?;
    let Some(supervisor) = supervisor.filter(|&found| keeps_up(found, &record.key())) else {
        return Ok(Killed::default());
    };
    let said = record.log.as_ref().and_then(|log| log.metadata().ok()).map_or(0, |log| log.len());
    if manner != Manner::recorded(record) {
        // it looks there before it stops its server; where that cannot be said, it stops it as was asked for at the start
        let _ = manner.recorded_in(record.clone()).write(state_folder);
    }
    let manner = Manner { signal: Some(Signal::TERM), grace: manner.grace + PATIENCE };
    let options = StopOptions { signal: manner.signal, grace: manner.grace, ..StopOptions::default() };
    let killed = killed::judge(port_kill::stop(&[supervisor], &options, None), manner)?;
    Ok(killed.and(told(record, said)))
}

/// Tells whether what has the PID keeps up the server of this port, or of this name, for this user: a record is no proof of it. Whether that
/// is the recorded process is found out where it is signalled.
fn keeps_up(supervisor: Identity, key: &str) -> bool {
    Facts::of(supervisor.pid).ok().flatten().is_some_and(|now| {
        let words = now.command.as_deref().unwrap_or_default();
        now.uid == Some(geteuid().as_raw()) && is_command(words, key)
    })
}

fn is_command(words: &[String], key: &str) -> bool {
    matches!(words, [_, flag, of, ..] if flag == "--supervise" && of == key)
}

/// Reads in the server's log whom the supervisor had to kill; what was there before this is old.
fn told(record: &ServerRecord, before: u64) -> Killed {
    let text = record.log.as_ref().map(|log| last::since(log, before)).unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("ensure-up: "));
    // between them stands when it was said
    let lines = lines.filter(|line| line.contains("SIGKILL after "));
    let lines = lines.filter_map(|line| Some(line.get(line.find("SIG")?..)?.to_owned()));
    Killed { lines: lines.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supervisor_is_of_the_port_that_its_command_line_names() {
        let is_it = |words: &[&str]| is_command(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), "80");
        assert!(is_it(&["/bin/ensure-up", "--supervise", "80"]));
        for words in [&["ensure-up", "--supervise", "8080"][..], &["ensure-up", "80"], &["sleep", "80"], &[]] {
            assert!(!is_it(words), "{words:?}");
        }
    }
}
