//! Records and PIDs on standard input.

#![no_main]

#[path = "../../tests/properties/inputs.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod inputs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| inputs::standard_input(data));
