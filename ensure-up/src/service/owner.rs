//! The process that a server is for.

use std::{fmt, str::FromStr};

use proc_tree::Identity;

/// A process whose end is its server's: written as its PID; for a process of ours with its start ID behind a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub(crate) Identity);

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid owner {text:?}: expected the PID of a process");
        if let Some((pid, start_id)) = text.split_once(':') {
            let pid = pid.parse().map_err(|_| invalid())?;
            return Ok(Self(Identity { pid, start_id: start_id.parse().map_err(|_| invalid())? }));
        }
        let pid: u32 = text.parse().ok().filter(|&pid| pid > 0).ok_or_else(invalid)?;
        let found = Identity::of(pid)
            .map_err(|error| format!("cannot look at process {pid}: {}", proc_tree::cli::text::os_error(&error)))?;
        found.map(Self).ok_or_else(|| format!("no process has PID {pid}"))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.pid, self.0.start_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_is_looked_up_once_and_stays_that_process() {
        let own: Owner = std::process::id().to_string().parse().expect("this process runs");
        assert_eq!(own.to_string().parse(), Ok(own));
        let another = Owner(Identity { start_id: own.0.start_id + 1, ..own.0 });
        assert_eq!(another.to_string().parse(), Ok(another));
        for text in ["", "x", "0", "-1", "1:", ":1", "1:2:3", "4294967296"] {
            assert!(text.parse::<Owner>().is_err(), "{text:?}");
        }
        assert_eq!("4294967295".parse::<Owner>(), Err("no process has PID 4294967295".into()));
    }
}
