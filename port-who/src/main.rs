//! port-who
fn main() {}
