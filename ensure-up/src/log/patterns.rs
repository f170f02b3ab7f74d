//! What a log says as it grows: that the server is ready, or that it failed.

use std::{
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use regex::bytes::Regex;
use tokio::task;

use super::{
    last,
    pump::Pump,
    tail::{ROUND, Tail},
};
use crate::Service;

/// The lines of a log as they come, and what they tell.
#[derive(Debug)]
pub(crate) struct LogPatterns {
    source: Source,
    said: Arc<Mutex<Said>>,
    /// Whether there is more to read already.
    pub(crate) has_more: bool,
}

/// Where the lines come from.
#[derive(Debug)]
enum Source {
    /// The log itself, which nobody rotates while its server starts.
    Log(Tail),
    /// What is on its way to a log: that may be rotated faster than it is read.
    Output(Arc<Pump>),
    /// Nothing is looked for.
    Nowhere,
}

impl LogPatterns {
    /// Prepares to read a log from its beginning.
    pub(crate) fn of(path: &Path, service: &Service) -> Self {
        let said = Said::awaited(service);
        // to read from a pipe would take away what somebody else waits for
        let is_read = said.is_wanted() && path.is_file();
        let source = if is_read { Source::Log(Tail::of(path)) } else { Source::Nowhere };
        Self { source, said: Arc::new(Mutex::new(said)), has_more: false }
    }

    /// Prepares to read a log from behind the last line that begins with `mark`: what an earlier server said is over.
    pub(crate) fn behind(mark: &str, path: &Path, service: &Service) -> Self {
        let all = Self::of(path, service);
        let source = match all.source {
            Source::Log(_) => Source::Log(Tail::last(path, None, last::count_behind(mark, path))),
            source => source,
        };
        Self { source, ..all }
    }

    /// Prepares to look at all that comes from now on.
    pub(crate) fn passing(output: &Arc<Pump>, service: &Service) -> Self {
        let said = Said::awaited(service);
        let is_wanted = said.is_wanted();
        let said = Arc::new(Mutex::new(said));
        let source = if is_wanted {
            output.show(&said);
            Source::Output(Arc::clone(output))
        } else {
            Source::Nowhere
        };
        Self { source, said, has_more: false }
    }

    /// Tells whether it said that the server is ready, if it is to say so.
    pub(crate) fn is_ready(&self) -> bool {
        self.said().ready
    }

    /// Takes the line that says that the server failed.
    pub(crate) fn failed(&self) -> Option<String> {
        let line = self.said().failed.take()?;
        Some(last::quoted(String::from_utf8_lossy(&line).trim_end()))
    }

    /// Reads what is new, a round of it. A log that was cut short or replaced begins anew.
    pub(crate) fn read(&mut self) {
        self.has_more = match &mut self.source {
            Source::Log(tail) => tail.copy(&mut *lock(&self.said)).unwrap_or(false),
            Source::Output(pump) => {
                pump.flush();
                false
            }
            Source::Nowhere => false,
        };
        self.said().look();
    }

    /// Reads all that there is by now, and not what comes meanwhile; others have their turn between the rounds.
    pub(crate) async fn read_all(&mut self) {
        let mut left = match &self.source {
            Source::Log(tail) => tail.left(),
            Source::Output(_) | Source::Nowhere => 0,
        };
        self.read();
        while self.has_more && left > ROUND {
            left -= ROUND;
            task::yield_now().await;
            self.read();
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        lock(&self.said)
    }
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was said so far of what is looked for.
#[derive(Debug)]
struct Said {
    partial: Vec<u8>,
    ready_pattern: Option<Regex>,
    fail_pattern: Option<Regex>,
    ready: bool,
    failed: Option<Vec<u8>>,
}

impl Said {
    /// A line without end is looked at in pieces of this size.
    const LONGEST_LINE: usize = 64 * 1024;

    /// So much of a piece is looked at with the next one: what is looked for may lie across.
    const OVERLAP: usize = 4 * 1024;

    fn awaited(service: &Service) -> Self {
        Self {
            partial: Vec::new(),
            ready: service.spec.ready_log.is_none(),
            ready_pattern: service.spec.ready_log.clone(),
            fail_pattern: service.spec.fail_log.clone(),
            failed: None,
        }
    }

    fn is_wanted(&self) -> bool {
        self.ready_pattern.is_some() || self.fail_pattern.is_some()
    }

    /// Looks at what has come since the last look. A prompt may come without a line's end, so the last piece is looked at as well.
    fn look(&mut self) {
        let partial = std::mem::take(&mut self.partial);
        for line in partial.split(|&byte| byte == b'\n') {
            self.ready |= self.ready_pattern.as_ref().is_some_and(|pattern| pattern.is_match(line));
            if self.failed.is_none()
                && let Some(found) = self.fail_pattern.as_ref().and_then(|pattern| pattern.find(line))
            {
                // of a line that is too long, the place that tells
                let from = if line.len() > last::WIDEST { found.start() } else { 0 };
                self.failed = Some(line[from..].to_vec());
            }
        }
        let last = partial.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let rest = &partial[last..];
        let kept = if rest.len() < Self::LONGEST_LINE { rest.len() } else { Self::OVERLAP };
        self.partial = rest[rest.len() - kept..].to_vec();
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        if self.partial.len() >= Self::LONGEST_LINE {
            self.look();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
