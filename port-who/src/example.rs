//! Processes for tests.

use std::time::SystemTime;

use proc_tree::Facts;

/// A process of session 40 that has just started.
pub(crate) fn process(pid: u32, parent: u32, command: &str) -> Facts {
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    Facts {
        pid,
        start_id: u64::from(pid),
        ppid: parent,
        session: 40,
        name: words[0].clone(),
        command: Some(words),
        executable: None,
        cwd: Some("/srv/models".into()),
        uid: Some(4_000_000_000),
        started_at: SystemTime::now(),
    }
}
