//! HTTP/2, as a client that asks once has to know it.

use crate::{reason::Reason, tls};

/// The head of the frame that a server's side of HTTP/2 begins with: SETTINGS of the whole connection (RFC 9113, section 3.4).
/// The first three bytes are its length.
const SETTINGS: [u8; 6] = [4, 0, 0, 0, 0, 0];

/// How long that head is.
const FRAME_HEAD: usize = 9;

/// Tells whether what a server has said first is HTTP/2.
pub(super) fn begins(said: &[u8]) -> bool {
    said.get(3..FRAME_HEAD) == Some(&SETTINGS)
}

/// Words an error of a connection.
pub(super) fn broken(error: &h2::Error) -> Reason {
    match error.get_io() {
        Some(error) => tls::fault::reason(error),
        None if error.is_remote() => Reason::answered(format!("the server broke off: {}", words(error))),
        None => Reason::answered(format!("the server does not speak HTTP/2: {}", words(error))),
    }
}

fn words(error: &h2::Error) -> String {
    error.reason().map_or_else(|| error.to_string(), |reason| reason.description().to_owned())
}
