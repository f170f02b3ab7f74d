//! ensure-up
fn main() {}
