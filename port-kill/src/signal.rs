//! Signals as people name them: `TERM`, `SIGTERM`, `sigterm`, `15`.

use nix::sys::signal::Signal;

/// A text that names no signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid signal {text:?}: {reason}")]
pub struct InvalidSignal {
    text: String,
    reason: &'static str,
}

/// Parses a name, with or without `SIG`, in any case, or a number.
///
/// # Errors
/// When the text is neither, or names one of the numbered real-time signals: no server ends on those by agreement.
pub fn parse(text: &str) -> Result<Signal, InvalidSignal> {
    let invalid = |reason| InvalidSignal { text: text.to_owned(), reason };
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return match text.parse::<i32>() {
            Ok(0) => Err(invalid("it would signal nothing; --dry-run shows what would be signalled")),
            Ok(number) => Signal::try_from(number).map_err(|_| invalid(EXPECTED)),
            Err(_) => Err(invalid(EXPECTED)),
        };
    }
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    Signal::iterator().find(|signal| &signal.as_str()[3..] == name).ok_or_else(|| invalid(EXPECTED))
}

const EXPECTED: &str = "expected a name such as TERM or SIGINT, or a number from 1 to 31";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_name_with_and_without_its_prefix_and_a_number() {
        for text in ["TERM", "SIGTERM", "sigterm", "Term", "15"] {
            assert_eq!(parse(text), Ok(Signal::SIGTERM), "{text}");
        }
        assert_eq!(parse("hup"), Ok(Signal::SIGHUP));
        assert_eq!(parse("9"), Ok(Signal::SIGKILL));
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in ["", "0", "-9", "+9", "32", "64", "99999999999", "SIG", "SIGSIGTERM", "TERMINATE", "٩"] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid signal {text:?}: ")), "{error}");
        }
    }
}
