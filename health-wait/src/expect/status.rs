//! HTTP statuses: sets of them, as `200-299,401`, and their words.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use hyper::StatusCode;

/// HTTP statuses, as ranges and single ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusSet(Vec<RangeInclusive<u16>>);

/// A text that is no set of statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid status {0:?}: expected a number from 100 to 599, a range such as 200-299, or a list of both")]
pub(crate) struct InvalidStatus(String);

impl StatusSet {
    /// Tells whether the status is in the set.
    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl FromStr for StatusSet {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(parse_range).collect::<Option<_>>().map(Self).ok_or_else(|| InvalidStatus(text.to_owned()))
    }
}

impl fmt::Display for StatusSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = parse_status(first)?..=parse_status(last)?;
    (!range.is_empty()).then_some(range)
}

fn parse_status(text: &str) -> Option<u16> {
    let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|status| digits && (100..600).contains(status))
}

/// Words a status by its registered name: what the server calls it is foreign text that adds nothing.
pub(crate) fn words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(name) => format!("{} {name}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_a_list_of_statuses_and_ranges() {
        let set: StatusSet = "200-299,401".parse().expect("a set");
        for (status, expected) in [(199, false), (200, true), (299, true), (300, false), (401, true), (402, false)] {
            assert_eq!(set.contains(status), expected, "{status}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in ["", "2xx", "99", "600", "299-200", "200-", "-200", "200,", "200, 201", "+20", "0200"] {
            let error = text.parse::<StatusSet>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid status {text:?}: expected")), "{error}");
        }
    }

    #[test]
    fn a_set_is_shown_as_it_was_written_and_a_status_with_its_registered_name() {
        for text in ["200", "200-299", "200-299,401,500-501", "404-404"] {
            let set: StatusSet = text.parse().expect("a set");
            assert_eq!(set.to_string(), text.trim_end_matches("-404"));
        }
        for (status, expected) in [(200, "200 OK"), (503, "503 Service Unavailable"), (599, "599")] {
            assert_eq!(words(StatusCode::from_u16(status).expect("a status")), expected);
        }
    }
}
