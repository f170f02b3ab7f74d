//! Asking the person at the terminal.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    time::Instant,
};

use port_kill::{Candidate, Supervisor};
use proc_tree::{
    cli::{
        command_line,
        signals::Signals,
        size,
        terminal::{Color, Look},
        text,
    },
    handle, users,
};

/// A terminal with somebody at it.
pub(crate) struct Asker {
    terminal: File,
    look: Look,
}

impl Asker {
    /// Opens the terminal that standard input is, or, where that carries records, the one that the tool was started on.
    pub(crate) fn open(stdin_has_records: bool, color: Color) -> io::Result<Self> {
        let path =
            if stdin_has_records { c"/dev/tty".to_owned() } else { rustix::termios::ttyname(io::stdin(), Vec::new())? };
        let path = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
        let terminal = File::options().read(true).write(true).open(path)?;
        let look = Look::of(&terminal, color);
        Ok(Self { terminal, look })
    }

    /// Asks whether to signal a process; no answer is a no, and so is an interrupt.
    pub(crate) fn confirm(&mut self, candidate: &Candidate, interrupt: &Signals) -> io::Result<bool> {
        if !handle::ended(&[interrupt], Some(Instant::now()))?.is_empty() {
            return Ok(false);
        }
        write!(self.terminal, "{} [y/N] ", self.look.pids(&question(candidate)))?;
        let answer = self.line(interrupt)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn line(&mut self, interrupt: &Signals) -> io::Result<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            let watched: [BorrowedFd<'_>; 2] = [interrupt.as_fd(), self.terminal.as_fd()];
            if handle::ended(&watched, None)?.first() == Some(&0) || self.terminal.read(&mut byte)? == 0 {
                writeln!(self.terminal)?;
                return Ok(String::new());
            }
            line.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

/// `SIGTERM python3 (4711, 19.8 GiB) on 8000, user dev: python3 -m punie serve?`
fn question(candidate: &Candidate) -> String {
    let process = &candidate.process;
    let memory = candidate.memory.map(|memory| format!(", {}", size::display(memory))).unwrap_or_default();
    let ports: Vec<String> = candidate.ports().iter().map(u16::to_string).collect();
    let user = process.uid.map(|uid| format!(", user {}", users::title(uid))).unwrap_or_default();
    let with = match candidate.descendants {
        0 => String::new(),
        1 => " with a descendant".to_owned(),
        count => format!(" with {count} descendants"),
    };
    let through = match &candidate.supervisor {
        Some(Supervisor::EnsureUp(supervisor)) => format!(" through {} ({})", supervisor.name, supervisor.pid),
        _ => String::new(),
    };
    let on = if candidate.keeps_up.is_some() { "that starts a server again on" } else { "on" };
    let said = format!(
        "{} {} ({}{memory}){with} {on} {}{user}{through}: {}?",
        candidate.signal,
        process.name,
        process.pid,
        ports.join(", "),
        command_line::of(process)
    );
    text::escape(&said).into_owned()
}
