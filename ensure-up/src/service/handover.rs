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

/// Reads the service that this process was started for, to the end of `from`; `None` where whoever started it has ended, or
/// has no use for it any more.
///
/// # Errors
/// When `from` cannot be read or holds something else.
pub fn receive(from: &mut dyn Read) -> io::Result<Option<ServiceSpec>> {
    let mut written = Vec::new();
    from.read_to_end(&mut written)?;
    Ok(if written.is_empty() { None } else { Some(serde_json::from_slice(&written)?) })
}
