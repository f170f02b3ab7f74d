//! How much memory a tree may use: so many bytes, or a share of what there is.

use std::{fmt, str::FromStr};

use crate::{cli::size, usage::host};

/// A limit for the memory of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MemoryLimit {
    /// So many bytes.
    Bytes(u64),
    /// So many percent of the machine's memory, or of the control group's limit where that is less.
    Percent(f64),
}

/// A text that is no such limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid limit {0:?}: expected a size such as 512M, 20GiB or 20GB, or a share of the memory such as 80%")]
pub struct InvalidLimit(String);

impl MemoryLimit {
    /// Returns the limit in bytes for this process and its neighbours; `None` for a share of what nobody tells.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            #[expect(clippy::cast_precision_loss, reason = "a share of gigabytes, to a few bytes")]
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most what there is")]
            Self::Percent(percent) => host::memory_limit().map(|all| (all as f64 * percent / 100.0) as u64),
        }
    }
}

impl FromStr for MemoryLimit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        let invalid = || InvalidLimit(text.to_owned());
        if let Some(number) = text.strip_suffix('%') {
            let percent = number.parse().ok().filter(|&percent: &f64| percent > 0.0 && percent <= 100.0);
            return percent.map(Self::Percent).ok_or_else(invalid);
        }
        size::parse(text).ok().filter(|&bytes| bytes > 0).map(Self::Bytes).ok_or_else(invalid)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_are_read_and_written_alike() {
        for (text, limit) in [
            ("1G", MemoryLimit::Bytes(1 << 30)),
            ("80%", MemoryLimit::Percent(80.0)),
            ("0.5%", MemoryLimit::Percent(0.5)),
        ] {
            assert_eq!(text.parse(), Ok(limit));
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        for text in ["", "x", "0", "0%", "-1%", "101%", "%", "nan%"] {
            assert!(text.parse::<MemoryLimit>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_share_is_one_of_what_there_is() {
        let half = MemoryLimit::Percent(50.0).bytes().expect("the machine has memory");
        let all = MemoryLimit::Percent(100.0).bytes().expect("the machine has memory");
        assert!(half.abs_diff(all / 2) <= 1 && all > 1 << 20);
    }
}
