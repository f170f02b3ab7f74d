//! A signal: its number, its name, and how people write it.

use std::{fmt, str::FromStr};

use nix::{libc::c_int, sys::signal};

/// One of the signals with a name, see signal(7); not a real-time signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(signal::Signal);

impl Signal {
    /// The terminal went away.
    pub const HUP: Self = Self(signal::Signal::SIGHUP);
    /// Ctrl-C.
    pub const INT: Self = Self(signal::Signal::SIGINT);
    /// Ctrl-\.
    pub const QUIT: Self = Self(signal::Signal::SIGQUIT);
    /// End at once; it cannot be caught.
    pub const KILL: Self = Self(signal::Signal::SIGKILL);
    /// Please end.
    pub const TERM: Self = Self(signal::Signal::SIGTERM);
    /// Whatever the program takes it for.
    pub const USR1: Self = Self(signal::Signal::SIGUSR1);
    /// Whatever the program takes it for.
    pub const USR2: Self = Self(signal::Signal::SIGUSR2);
    /// Go on after [`Signal::STOP`].
    pub const CONT: Self = Self(signal::Signal::SIGCONT);
    /// Stand still; it cannot be caught.
    pub const STOP: Self = Self(signal::Signal::SIGSTOP);
    /// Ctrl-Z.
    pub const TSTP: Self = Self(signal::Signal::SIGTSTP);
    /// A background job reads from the terminal.
    pub const TTIN: Self = Self(signal::Signal::SIGTTIN);
    /// A background job writes to the terminal.
    pub const TTOU: Self = Self(signal::Signal::SIGTTOU);
    /// The terminal's size changed.
    #[cfg(feature = "cli")]
    pub(crate) const WINCH: Self = Self(signal::Signal::SIGWINCH);

    /// Returns the signal with this number; `None` for a real-time signal and for a number that is no signal.
    pub fn from_number(number: i32) -> Option<Self> {
        signal::Signal::try_from(number).ok().map(Self)
    }

    /// Returns its number on this platform.
    pub fn number(self) -> i32 {
        self.0 as c_int
    }

    /// Returns its name: `SIGTERM`.
    pub fn name(self) -> &'static str {
        self.0.as_str()
    }

    /// Tells whether it halts a process, until [`Signal::CONT`], where the process does not catch it.
    pub fn halts(self) -> bool {
        [Self::STOP, Self::TSTP, Self::TTIN, Self::TTOU].contains(&self)
    }

    #[cfg(any(feature = "cli", target_os = "macos"))]
    pub(crate) fn to_nix(self) -> signal::Signal {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid signal {text:?}: {reason}")]
pub struct InvalidSignal {
    text: String,
    reason: &'static str,
}

const EXPECTED: &str = "expected a name such as TERM or SIGINT, or a number from 1 to 31";

impl FromStr for Signal {
    type Err = InvalidSignal;

    /// Parses a name, with or without `SIG`, in any case, or a number.
    fn from_str(text: &str) -> Result<Self, InvalidSignal> {
        let invalid = |reason| InvalidSignal { text: text.to_owned(), reason };
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return match text.parse() {
                Ok(0) => Err(invalid("it would signal nothing; --dry-run shows what would be signalled")),
                Ok(number) => Self::from_number(number).ok_or_else(|| invalid(EXPECTED)),
                Err(_) => Err(invalid(EXPECTED)),
            };
        }
        let name = text.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        let named = signal::Signal::iterator().find(|signal| &signal.as_str()[3..] == name);
        named.map(Self).ok_or_else(|| invalid(EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_name_with_and_without_its_prefix_and_a_number() {
        for text in ["TERM", "SIGTERM", "sigterm", "Term", "15"] {
            assert_eq!(text.parse(), Ok(Signal::TERM), "{text}");
        }
        assert_eq!("hup".parse(), Ok(Signal::HUP));
        assert_eq!("9".parse(), Ok(Signal::KILL));
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in ["", "0", "-9", "+9", "32", "64", "99999999999", "SIG", "SIGSIGTERM", "TERMINATE", "٩"] {
            let error = text.parse::<Signal>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid signal {text:?}: ")), "{error}");
        }
    }
}
