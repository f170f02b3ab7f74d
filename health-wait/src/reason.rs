//! Why a target is not as it is awaited, in words.

use std::{fmt, io};

use proc_tree::cli::text;
use rustix::io::Errno;

/// Why one attempt did not find the target healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) sign: Sign,
    pub(crate) text: String,
    pub(crate) status: Option<u16>,
}

/// How much of a sign of life an attempt saw. Of several addresses, the one that says most gives the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// There is no way to this address: a connection is impossible.
    Unreachable,
    /// A plain no, at once: refused, no such file, no such process.
    No,
    /// It has ended, or never was: what was meant never comes back.
    Gone,
    /// No answer in time, or the connection broke before one.
    Silent,
    /// It could not be looked at, which says nothing about it.
    Unclear,
    /// This program lacks what it takes to look: descriptors, memory, processes.
    Unable,
    /// It is there and answers, but not as expected.
    Answered,
    /// It answered what can only mean failure.
    Failed,
}

impl Reason {
    pub(crate) fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self { sign, text: text.into(), status: None }
    }

    /// Makes the reason that something answered with other words than expected.
    pub(crate) fn answered(text: impl Into<String>) -> Self {
        Self::new(Sign::Answered, text)
    }

    /// Words an error of the operating system.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let sign = match error.kind() {
            Kind::ConnectionRefused | Kind::NotFound | Kind::NotADirectory => Sign::No,
            Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::UnexpectedEof
            | Kind::TimedOut
            | Kind::WouldBlock => Sign::Silent,
            Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown | Kind::AddrNotAvailable => {
                Sign::Unreachable
            }
            _ => match Errno::from_io_error(error) {
                Some(Errno::AFNOSUPPORT) => Sign::Unreachable,
                Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => Sign::Unable,
                _ => Sign::Unclear,
            },
        };
        let words = match error.kind() {
            Kind::UnexpectedEof | Kind::BrokenPipe => "connection closed before an answer".into(),
            _ => text::escape(&text::os_error(error)).into_owned(),
        };
        Self::new(sign, words)
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Quotes foreign text: at most its first 60 columns, safe for a terminal.
pub(crate) fn quote(foreign: &str) -> String {
    format!("\"{}\"", brief(foreign))
}

/// Shows foreign text: at most its first 60 columns, safe for a terminal.
pub(crate) fn brief(foreign: &str) -> String {
    // no need to escape a megabyte to show its beginning
    let beginning: String = foreign.chars().take(80).collect();
    let whole = beginning.len() == foreign.len();
    let safe = text::escape(beginning.trim_end());
    let shown = text::cut(&safe, 60);
    let ellipsis = if whole || shown.ends_with('…') { "" } else { "…" };
    format!("{shown}{ellipsis}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_tell_absence_from_blindness() {
        for (number, sign, words) in [
            (111, Sign::No, "connection refused"),
            (104, Sign::Silent, "connection reset by peer"),
            (101, Sign::Unreachable, "network is unreachable"),
            (13, Sign::Unclear, "permission denied"),
            (24, Sign::Unable, "too many open files"),
        ] {
            let reason = Reason::from_io(&io::Error::from_raw_os_error(number));
            if cfg!(target_os = "linux") {
                assert_eq!((reason.sign, reason.text.as_str()), (sign, words));
            }
        }
    }

    #[test]
    fn foreign_text_is_short_and_safe() {
        assert_eq!(quote("ok\n"), "\"ok\"");
        assert_eq!(quote("a\x1b[31mb"), "\"a\\u{1b}[31mb\"");
        let long = quote(&"x".repeat(1 << 20));
        assert_eq!(long, format!("\"{}…\"", "x".repeat(59)));
        assert_eq!(quote(&format!("a{}b", " ".repeat(100))), "\"a…\"");
    }
}
