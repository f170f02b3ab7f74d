//! Sizes in bytes as people write and read them.

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid size {0:?}: expected a number of bytes, or a number with a unit such as 512M, 20GiB or 20GB")]
pub struct InvalidSize(String);

/// Parses a number of bytes, with an optional unit: `K`, `M`, `G`, `T` and `KiB`, `MiB`, … count by 1024,
/// `KB`, `MB`, … by 1000. Case does not matter; a fraction may stand before a unit.
///
/// # Errors
/// When the text is anything else or too large to count.
pub fn parse(text: &str) -> Result<u64, InvalidSize> {
    let invalid = || InvalidSize(text.to_owned());
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim_start().to_ascii_lowercase();
    let (prefix, base) = match unit.as_str() {
        "" | "b" => ("", 1024_u64),
        unit => match unit.strip_suffix("ib") {
            Some(prefix) => (prefix, 1024),
            None => unit.strip_suffix('b').map_or((unit, 1024), |prefix| (prefix, 1000)),
        },
    };
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|&known| known == prefix).ok_or_else(invalid)?;
    let unit = base.pow(u32::try_from(power).map_err(|_| invalid())?);
    if let Ok(number) = number.parse::<u64>() {
        return number.checked_mul(unit).ok_or_else(invalid);
    }
    let number: f64 = number.parse().map_err(|_| invalid())?;
    #[expect(clippy::cast_precision_loss, reason = "a unit is a power that a float holds exactly up to 2^53")]
    let bytes = number * unit as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, as checked")]
    (power > 0 && bytes < 1e18).then_some(bytes as u64).ok_or_else(invalid)
}

/// Shows a size by 1024 with one decimal: `19.8 GiB`, `31.0 MiB`, `812 B`.
pub fn display(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_count_by_1024_and_kb_mb_gb_by_1000() {
        let sizes = [
            ("512M", 512 << 20),
            ("20G", 20 << 30),
            ("20GiB", 20 << 30),
            ("1.5G", 3 << 29),
            ("20GB", 20_000_000_000),
            ("1kb", 1000),
            ("7", 7),
            ("7B", 7),
            ("2 MiB", 2 << 20),
        ];
        for (text, bytes) in sizes {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "G", "-1G", "1X", "1GG", "1.5", "1..5G", "20000000P", "0x10"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        let sizes =
            [(812, "812 B"), (32_505_856, "31.0 MiB"), (21_260_088_115, "19.8 GiB"), ((1 << 30) - 1, "1.0 GiB")];
        for (bytes, text) in sizes {
            assert_eq!(display(bytes), text);
        }
    }
}
