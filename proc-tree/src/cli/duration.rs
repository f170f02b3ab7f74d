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

/// Parses `500ms`, `5s`, `1m30s`, or a bare number of seconds.
///
/// # Errors
/// When the text is anything else, negative or too large to count.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain {
        let seconds: f64 = text.parse().map_err(|_| invalid())?;
        return Duration::try_from_secs_f64(seconds).map_err(|_| invalid());
    }
    humantime::parse_duration(text).map_err(|_| invalid())
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
    fn people_write_durations_in_these_forms() {
        for (text, milliseconds) in
            [("500ms", 500), ("5s", 5000), ("1m30s", 90_000), ("2", 2000), ("0.5", 500), ("0", 0), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in ["", "-1", "5x", "s", "1e3", "1.2.3", "5 s later", "99999999999999999999"] {
            let error = parse(text).expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
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
