//! Values as files and records hold them: as the word that each is on a command line.
//!
//! Modules for serde's `with`: this one for a value, [`optional`] for one that may be missing, [`list`] for those of an
//! option that is repeatable. A word is text, or its bytes where it is none, so that every word comes back as it was.

use std::{
    ffi::{OsStr, OsString},
    num::NonZeroU32,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Command};
use proc_tree::{
    Signal,
    cli::{duration, memory_limit::MemoryLimit, size},
};
use regex::{Regex, bytes};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{
    backoff::{Backoff, Limit},
    glob::Glob,
    held_address::HeldAddress,
    owner::Owner,
    ports::Ports,
};

/// A value that is one word of a command line.
pub(crate) trait Word: Sized {
    /// Reads what the command line takes.
    fn read(word: &OsStr) -> Result<Self, String>;

    /// Returns a word that reads as this value.
    fn written(&self) -> OsString;
}

impl Word for OsString {
    fn read(word: &OsStr) -> Result<Self, String> {
        Ok(word.to_owned())
    }

    fn written(&self) -> OsString {
        self.clone()
    }
}

impl Word for PathBuf {
    fn read(word: &OsStr) -> Result<Self, String> {
        Ok(word.into())
    }

    fn written(&self) -> OsString {
        self.clone().into_os_string()
    }
}

macro_rules! text {
    ($($kind:ty: $read:expr, $written:expr;)*) => {$(
        impl Word for $kind {
            fn read(word: &OsStr) -> Result<Self, String> {
                let text = word.to_str().ok_or("it is no text")?;
                $read(text).map_err(|error| in_one_line(&error.to_string()))
            }

            fn written(&self) -> OsString {
                $written(self).into()
            }
        }
    )*};
}

/// A pattern's error is a drawing, and its last line says what is wrong.
fn in_one_line(error: &str) -> String {
    let last = error.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(error).to_owned()
}

text! {
    Ports: str::parse::<Self>, Self::to_string;
    Signal: str::parse::<Self>, Self::to_string;
    Regex: str::parse::<Self>, Self::to_string;
    bytes::Regex: str::parse::<Self>, Self::to_string;
    Glob: str::parse::<Self>, Self::to_string;
    Backoff: str::parse::<Self>, Self::to_string;
    Limit: str::parse::<Self>, Self::to_string;
    HeldAddress: str::parse::<Self>, Self::to_string;
    MemoryLimit: str::parse::<Self>, Self::to_string;
    Owner: str::parse::<Self>, Self::to_string;
    u32: str::parse::<Self>, Self::to_string;
    NonZeroU32: str::parse::<Self>, Self::to_string;
    // the only numbers of this width are sizes
    u64: size::parse, Self::to_string;
    Duration: duration::parse, |duration: &Self| humantime::format_duration(*duration).to_string();
}

/// A word as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a string")]
enum Stored {
    Text(String),
    Bytes(Vec<u8>),
}

impl Stored {
    fn of(value: &impl Word) -> Self {
        value.written().into_string().map_or_else(|word| Self::Bytes(word.into_vec()), Self::Text)
    }

    fn read<T: Word, E: Error>(self) -> Result<T, E> {
        let word = match self {
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => OsString::from_vec(bytes),
        };
        T::read(&word).map_err(E::custom)
    }
}

pub(crate) fn serialize<T: Word, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    Stored::of(value).serialize(serializer)
}

pub(crate) fn deserialize<'d, T: Word, D: Deserializer<'d>>(deserializer: D) -> Result<T, D::Error> {
    Stored::deserialize(deserializer)?.read()
}

pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Stored, Word};

    #[expect(clippy::ref_option, reason = "serde hands over what the field holds")]
    pub(crate) fn serialize<T: Word, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Stored::of).serialize(serializer)
    }

    pub(crate) fn deserialize<'d, T: Word, D: Deserializer<'d>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Option::<Stored>::deserialize(deserializer)?.map(Stored::read).transpose()
    }
}

pub(crate) mod list {
    use super::{Deserialize, Deserializer, Serializer, Stored, Word};

    pub(crate) fn serialize<T: Word, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Stored::of))
    }

    pub(crate) fn deserialize<'d, T: Word, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        Vec::<Stored>::deserialize(deserializer)?.into_iter().map(Stored::read).collect()
    }
}

/// Reads the texts of a list, also as a record of before has them: one text, or none.
pub(crate) fn one_or_more<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a string or an array of strings")]
    enum Texts {
        One(String),
        All(Vec<String>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Texts::One(text)) => vec![text],
        Some(Texts::All(texts)) => texts,
    })
}

/// Returns what a command line without any of these options means.
pub(super) fn defaults<A: Args>() -> A {
    let command = A::augment_args(Command::new("").no_binary_name(true));
    let parsed = command.try_get_matches_from([""; 0]).and_then(|matches| A::from_arg_matches(&matches));
    parsed.expect("each option can be left out")
}
