//! `{port}` in a command and in what goes with it.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use super::ports::Port;

/// Where it stands, the number of the port is put.
pub(super) const PORT: &[u8] = b"{port}";

/// Puts the port into a text.
pub(super) fn in_text(text: &str, port: Option<Port>) -> String {
    port.map_or_else(|| text.to_owned(), |port| text.replace("{port}", &port.number.to_string()))
}

/// Puts the port into a word, which may be no text.
pub(super) fn in_word(word: &OsStr, port: Option<Port>) -> OsString {
    let Some(port) = port else { return word.to_owned() };
    let (pattern, number) = (PORT, port.number.to_string());
    let mut rest = word.as_bytes();
    let mut made = Vec::with_capacity(rest.len());
    while let Some(at) = rest.windows(pattern.len()).position(|window| window == pattern) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(number.as_bytes());
        rest = &rest[at + pattern.len()..];
    }
    made.extend_from_slice(rest);
    OsString::from_vec(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_takes_its_place_in_every_word_also_in_one_that_is_not_text() {
        let word = OsString::from_vec(b"\xff{port}:{port}{po".to_vec());
        assert_eq!(in_word(&word, Some(Port::tcp(80))), OsString::from_vec(b"\xff80:80{po".to_vec()));
    }
}
