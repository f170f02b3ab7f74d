//! The ports that a service may take.

use std::{fmt, str::FromStr};

use port_who::PortSpec;

/// The ports that a server may take: one, or the first free one of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The lowest.
    pub low: u16,
    /// The highest.
    pub high: u16,
}

impl Ports {
    /// Tells whether there is a choice.
    pub fn is_range(self) -> bool {
        self.low != self.high
    }

    /// Returns the port, where there is no choice.
    pub fn only(self) -> Option<u16> {
        (!self.is_range()).then_some(self.low)
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let spec: PortSpec = text.parse().map_err(|error: port_who::InvalidPort| error.to_string())?;
        match (spec.ranges(), spec.protocol(), spec.address()) {
            (&[(low, high)], None, None) => Ok(Self { low, high }),
            _ => Err(format!("invalid port {text:?}: expected one port or one range, such as 8000 or 8000-8099")),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_range() { write!(f, "{}-{}", self.low, self.high) } else { write!(f, "{}", self.low) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_port_or_one_range_is_asked_for() {
        assert_eq!("8000-8099".parse(), Ok(Ports { low: 8000, high: 8099 }));
        for text in ["0", "80x", "9-3", "70000", "8000,8001", "8000/tcp", "127.0.0.1:8000", ""] {
            let error = text.parse::<Ports>().expect_err(text);
            assert!(error.starts_with(&format!("invalid port {text:?}: ")), "{error}");
        }
    }
}
