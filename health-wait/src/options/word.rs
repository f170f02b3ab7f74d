//! Options in a file or a record: each is written as the word that it is on the command line.
//!
//! Modules for serde's `with`: this one for a value, [`optional`] for one that may be missing, [`list`] for those of an
//! option that is repeatable.

use std::{
    fmt::{self, Display},
    marker::PhantomData,
    time::Duration,
};

use hyper::Method;
use proc_tree::cli::duration;
use serde::{
    Deserialize, Deserializer, Serializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{data::Data, header::Header};
use crate::expect::{body::BodyPattern, json::JsonExpectation, status::StatusSet};

/// A value that is one word of a command line.
pub(super) trait Word: Sized {
    /// Reads what the command line takes.
    fn read(text: &str) -> Result<Self, impl Display>;

    /// Returns a text that reads as this value.
    fn written(&self) -> String;
}

macro_rules! as_displayed {
    ($($kind:ty),*) => {$(
        impl Word for $kind {
            fn read(text: &str) -> Result<Self, impl Display> {
                text.parse::<Self>()
            }

            fn written(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

as_displayed!(StatusSet, BodyPattern, JsonExpectation, Header, Method, Data);

/// How many times: never is not often enough.
impl Word for u32 {
    fn read(text: &str) -> Result<Self, impl Display> {
        match text.parse() {
            Ok(times @ 1..) => Ok(times),
            _ => Err(format!("invalid value {text:?}: expected a number from 1")),
        }
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Word for Duration {
    fn read(text: &str) -> Result<Self, impl Display> {
        duration::parse(text)
    }

    fn written(&self) -> String {
        match self.subsec_nanos() {
            0 => format!("{}s", self.as_secs()),
            nanoseconds if nanoseconds % 1_000_000 == 0 => format!("{}ms", self.as_millis()),
            nanoseconds => format!("{}s {nanoseconds}ns", self.as_secs()),
        }
    }
}

pub(super) fn serialize<T: Word, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.written())
}

pub(super) fn deserialize<'d, T: Word, D: Deserializer<'d>>(deserializer: D) -> Result<T, D::Error> {
    Written::deserialize(deserializer).map(|Written(value)| value)
}

pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Word, Written};

    #[expect(clippy::ref_option, reason = "serde hands over what the field holds")]
    pub(in super::super) fn serialize<T: Word, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(&value.written()),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'d, T: Word, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(|Written(value)| value))
    }
}

/// As [`optional`]; to ask again after no time at all is no interval.
pub(super) mod interval {
    use std::time::Duration;

    use proc_tree::cli::duration;
    use serde::de::Error as _;

    use super::{Deserializer, Word, optional};

    pub(in super::super) use optional::serialize;

    pub(in super::super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let interval: Option<Duration> = optional::deserialize(deserializer)?;
        interval.map(|interval| duration::parse_interval(&interval.written()).map_err(D::Error::custom)).transpose()
    }
}

pub(super) mod list {
    use super::{Deserializer, ListVisitor, PhantomData, Serializer, Word};

    pub(in super::super) fn serialize<T: Word, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(Word::written))
    }

    pub(in super::super) fn deserialize<'d, T: Word, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// A value as it is deserialized: from a string, or from a number where that reads the same.
struct Written<T>(T);

impl<'d, T: Word> Deserialize<'d> for Written<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor(PhantomData)).map(Self)
    }
}

struct WordVisitor<T>(PhantomData<T>);

impl<T: Word> Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'d, T: Word> Visitor<'d> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        T::read(text).map(|one| vec![one]).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut words: A) -> Result<Vec<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(Written(value)) = words.next_element()? {
            values.push(value);
        }
        Ok(values)
    }
}
