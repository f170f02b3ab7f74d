//! Services files, with overlays and variables.

#![no_main]

#[path = "../../tests/properties/inputs.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod inputs;
#[path = "../../tests/properties/targets.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod targets;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| targets::services_file(data));
