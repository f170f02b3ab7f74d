//! In what a server differs from the one that is asked for.

use std::fmt;

use serde::{Serialize, Serializer};

/// One part in which a server differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Another user runs it.
    User,
    /// It runs another command.
    Command,
    /// It was started in another folder.
    Folder,
    /// It is on another port.
    Port,
    /// These variables have other values, or it could not be seen which they have.
    Environment(Vec<String>),
}

impl Part {
    /// One of each.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] =
        [Self::User, Self::Command, Self::Folder, Self::Port, Self::Environment(Vec::new())];

    /// Returns the word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Command => "command",
            Self::Folder => "folder",
            Self::Port => "port",
            Self::Environment(_) => "environment",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(names) if !names.is_empty() => write!(f, "environment ({})", names.join(", ")),
            _ => f.write_str(self.word()),
        }
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Words them: `another command and another environment (DATABASE)`.
pub(crate) fn words(parts: &[Part]) -> String {
    parts.iter().map(|part| format!("another {part}")).collect::<Vec<_>>().join(" and ")
}
