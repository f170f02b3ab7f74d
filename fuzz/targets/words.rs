//! Words of a command line: ports, durations, sizes, signals, health targets; and text that is shown.

#![no_main]

#[path = "../../tests/properties/inputs.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod inputs;
#[path = "../../tests/properties/targets.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod targets;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| targets::words(data));
