//! Durations as people write and read them.

use std::time::Duration;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid duration {0:?}: expected a number of seconds, or a number with a unit such as 500ms, 5s or 1m30s")]
pub struct InvalidDuration(String);

impl InvalidDuration {
    /// Refuses a text that reads as a duration and still is none that could be used.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A text that is no interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInterval {
    /// It is no duration.
    #[error(transparent)]
    Duration(#[from] InvalidDuration),
    /// It is none that passes.
    #[error("invalid interval {0:?}: expected more than zero")]
    Zero(String),
}

/// The longest duration that is taken, 1/64 of what the clock counts: a few of them added to it do not overflow it.
const LONGEST: Duration = Duration::from_secs(1 << 57);

/// Parses `500ms`, `5s`, `1m30s`, or a bare number of seconds.
///
/// # Errors
/// When the text is anything else, negative or too long to add to a clock.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = if plain {
        text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    } else {
        humantime::parse_duration(text).ok()
    };
    parsed.filter(|&duration| duration <= LONGEST).ok_or_else(|| InvalidDuration(text.to_owned()))
}

/// Parses how often something is done: a duration that is not zero.
///
/// # Errors
/// When the text is anything else.
pub fn parse_interval(text: &str) -> Result<Duration, InvalidInterval> {
    match parse(text)? {
        Duration::ZERO => Err(InvalidInterval::Zero(text.to_owned())),
        interval => Ok(interval),
    }
}

/// Shows for how long something has run, in its two largest units: `31s`, `2h14m`, `3d`.
pub fn uptime(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let pair = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => pair(minutes, "m", seconds % 60, "s"),
        3600..86_400 => pair(hours, "h", minutes, "m"),
        _ => pair(days, "d", hours, "h"),
    }
}

/// Shows a duration that somebody chose: `500 ms`, `2 s`, `1.5 s`, `2m5s`.
pub fn asked(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        milliseconds @ ..100_000 if milliseconds % 1000 == 0 => format!("{} s", milliseconds / 1000),
        ..100_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => uptime(duration),
    }
}

/// Shows how long something took: `3 ms`, `0.31 s`, `14.2 s`, `2m5s`.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        ..0.1 => format!("{} ms", duration.as_millis()),
        ..9.995 => format!("{seconds:.2} s"),
        ..99.95 => format!("{seconds:.1} s"),
        _ => uptime(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_reads_as_it_was_asked_for() {
        for (milliseconds, text) in
            [(500, "500 ms"), (2000, "2 s"), (1500, "1.5 s"), (30_000, "30 s"), (125_000, "2m5s")]
        {
            assert_eq!(asked(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn people_write_durations_in_these_forms() {
        for (text, milliseconds) in
            [("500ms", 500), ("5s", 5000), ("1m30s", 90_000), ("2", 2000), ("0.5", 500), ("0", 0), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in ["", "-1", "5x", "s", "1e3", "1.2.3", "5 s later", "99999999999999999999", "9999999999999999999s"] {
            let error = parse(text).expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
        assert_eq!(parse_interval("0ms"), Err(InvalidInterval::Zero("0ms".into())));
    }

    #[test]
    fn what_is_taken_can_be_added_to_the_clock() {
        let longest = parse(&LONGEST.as_secs().to_string()).expect("it is taken");
        assert!(std::time::Instant::now().checked_add(longest * 32).is_some());
        assert!(parse("200000000000000000").is_err());
        assert!(parse("99999999999999999").is_ok(), "as good as for ever");
    }

    #[test]
    fn times_read_as_in_a_table() {
        let uptimes =
            [(0, "0s"), (31, "31s"), (60, "1m"), (125, "2m5s"), (8040, "2h14m"), (7200, "2h"), (259_200, "3d")];
        for (seconds, text) in uptimes {
            assert_eq!(uptime(Duration::from_secs(seconds)), text);
        }
        for (milliseconds, text) in
            [(3, "3 ms"), (310, "0.31 s"), (5000, "5.00 s"), (14_200, "14.2 s"), (125_000, "2m5s")]
        {
            assert_eq!(elapsed(Duration::from_millis(milliseconds)), text);
        }
    }
}
