//! The address of the socket that a supervisor holds for its server.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldAddress(pub(crate) IpAddr);

impl FromStr for HeldAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let invalid =
            |_| format!("invalid address {text:?}: expected one to listen on, such as 127.0.0.1, 0.0.0.0 or [::]");
        bare.parse().map(Self).map_err(invalid)
    }
}

impl fmt::Display for HeldAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_brackets() {
        for (text, shown) in [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("[::1]", "::1")] {
            assert_eq!(text.parse().map(|address: HeldAddress| address.to_string()), Ok(shown.into()));
        }
        for text in ["", "localhost", "127.0.0.1:80", "[", "[::1"] {
            assert!(text.parse::<HeldAddress>().is_err(), "{text:?}");
        }
    }
}
