//! When a server is started again, and when no more: pauses, and a limit.

use std::{fmt, str::FromStr, time::Duration};

use proc_tree::cli::duration;

/// The pauses before restarts: doubled from the first up to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl FromStr for Backoff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid backoff {text:?}: expected the first and the longest pause, such as 1s..16s");
        let (first, longest) = text.split_once("..").unwrap_or((text, text));
        let parse = |text| duration::parse(text).map_err(|_| invalid());
        let (first, longest) = (parse(first)?, parse(longest)?);
        if first > longest { Err(invalid()) } else { Ok(Self { first, longest }) }
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", humantime::format_duration(self.first), humantime::format_duration(self.longest))
    }
}

/// How many restarts within which time are not too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many.
    pub restarts: u32,
    /// Within this time.
    pub window: Duration,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid limit {text:?}: expected a number of restarts and a time, such as 5/60s");
        let (restarts, window) = text.split_once('/').ok_or_else(invalid)?;
        let window = duration::parse_interval(window).map_err(|_| invalid())?;
        Ok(Self { restarts: restarts.parse().map_err(|_| invalid())?, window })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.restarts, humantime::format_duration(self.window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused_and_quoted() {
        for text in ["", "x", "2s..1s", "1s..", "..", "1s..2s..3s"] {
            assert!(text.parse::<Backoff>().expect_err(text).contains(&format!("{text:?}")));
        }
        for text in ["", "5", "5/", "/60s", "-1/60s", "5/0", "5/60s/1"] {
            assert!(text.parse::<Limit>().expect_err(text).contains(&format!("{text:?}")));
        }
    }
}
