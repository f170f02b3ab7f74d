//! Names that processes give themselves.

#![no_main]

#[path = "../../tests/properties/inputs.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod inputs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| inputs::process_name(data));
