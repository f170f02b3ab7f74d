//! A service handed to a process of ours, as JSON on its standard input: a command line can be read by everybody, and what
//! is asked for may hold secrets.

use std::io::{self, Read};

use super::spec::ServiceSpec;

/// Writes a service down for [`receive`].
///
/// # Errors
/// When something of it cannot be written down.
pub(crate) fn written(spec: &ServiceSpec) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(spec)?)
}

/// Reads the service that this process was started for, to the end of `from`.
///
/// # Errors
/// When `from` cannot be read or holds none.
pub fn receive(from: &mut dyn Read) -> io::Result<ServiceSpec> {
    Ok(serde_json::from_reader(from)?)
}
