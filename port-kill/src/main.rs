//! port-kill
fn main() {}
