//! The options of health, as a record has them.

#![no_main]

#[path = "../../tests/properties/inputs.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod inputs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        inputs::probe_options(text);
    }
});
