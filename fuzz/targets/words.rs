//! Words of a command line: ports, durations, sizes, signals, health targets.

#![no_main]

#[path = "../../tests/properties/inputs.rs"]
#[expect(dead_code, reason = "each target has its part")]
mod inputs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for property in [inputs::ports, inputs::duration, inputs::size, inputs::signal, inputs::target] {
        property(text);
    }
});
