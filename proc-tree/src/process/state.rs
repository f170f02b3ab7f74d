//! What a process does at the moment, as the kernel has it.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a process, or its main thread, does at the moment.
///
/// Source: proc_pid_stat(5), the field `state`. It is shown, and written to JSON, as the letter of ps(1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It runs, or could.
    Running,
    /// It waits, and a signal wakes it.
    Sleeping,
    /// It waits for a device, and no signal wakes it.
    Blocked,
    /// A signal such as SIGSTOP halted it.
    Stopped,
    /// A debugger halted it.
    Traced,
    /// It has ended and waits to be reaped.
    Zombie,
    /// It has ended and is being reaped.
    Dead,
    /// Something else: this letter.
    Other(char),
}

impl RunState {
    /// Reads the letter of ps(1), as Linux has it.
    #[cfg(any(test, target_os = "linux"))]
    pub(crate) fn from_letter(letter: char) -> Self {
        match letter {
            'R' => Self::Running,
            'S' => Self::Sleeping,
            'D' => Self::Blocked,
            'T' => Self::Stopped,
            't' => Self::Traced,
            'Z' => Self::Zombie,
            'X' => Self::Dead,
            other => Self::Other(other),
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Running => 'R',
            Self::Sleeping => 'S',
            Self::Blocked => 'D',
            Self::Stopped => 'T',
            Self::Traced => 't',
            Self::Zombie => 'Z',
            Self::Dead => 'X',
            Self::Other(letter) => letter,
        }
    }

    /// Tells whether it has ended. Of a process with several threads this is said of its main thread.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Zombie | Self::Dead)
    }

    /// Tells whether it is halted, by a signal or by a debugger.
    pub fn is_halted(self) -> bool {
        matches!(self, Self::Stopped | Self::Traced)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letter().fmt(f)
    }
}

impl PartialEq<char> for RunState {
    fn eq(&self, letter: &char) -> bool {
        self.letter() == *letter
    }
}

impl Serialize for RunState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_char(self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_comes_back_as_it_was() {
        for letter in "RSDTtZXIPKWx".chars() {
            assert_eq!(RunState::from_letter(letter).to_string(), letter.to_string());
        }
        assert_eq!(
            ["S", "t", "Z"].map(|text| RunState::from_letter(text.chars().next().expect("a letter")).is_over()),
            [false, false, true]
        );
    }
}
