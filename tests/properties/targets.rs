//! What the fuzzer hands over, as the properties take it: a function for each target of `fuzz/`.

use std::str;

use super::inputs;

/// Words of a command line, and text that is shown.
pub(crate) fn words(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for property in [inputs::ports, inputs::duration, inputs::size, inputs::signal, inputs::target, inputs::shown] {
        property(text);
    }
}

/// The options of health, as a record has them.
pub(crate) fn probe_options(data: &[u8]) {
    let _ = str::from_utf8(data).map(inputs::probe_options);
}

/// What is expected of an answer, on the first line, and its body.
pub(crate) fn expectation(data: &[u8]) {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let (expected, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let _ = str::from_utf8(expected).map(|expected| inputs::expectation(expected, body));
}

/// A services file.
pub(crate) fn services_file(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    inputs::services_file(folder.path(), data);
}

/// A file of variables.
pub(crate) fn env_file(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    inputs::env_file(folder.path(), data);
}
