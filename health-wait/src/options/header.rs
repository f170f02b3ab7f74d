//! A header of the request.

use std::{fmt, str::FromStr};

use hyper::header::{HeaderName, HeaderValue};

/// A header: its name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

/// A text that is no header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid header {0:?}: expected 'Name: value'")]
pub(crate) struct InvalidHeader(String);

impl FromStr for Header {
    type Err = InvalidHeader;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHeader(text.to_owned());
        let (name, value) = text.split_once(':').ok_or_else(invalid)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        // a value may be any text; only line ends and other controls would change the request
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| invalid())?;
        Ok(Self { name, value })
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, String::from_utf8_lossy(self.value.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let header: Header = "X-Key:  a: b ".parse().expect("a header");
        assert_eq!((header.name.as_str(), header.value.to_str().ok()), ("x-key", Some("a: b")));
        for text in ["", "x", ": y", "a b: c", "x: a\nb"] {
            let error = text.parse::<Header>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid header {text:?}: ")), "{error}");
        }
    }
}
