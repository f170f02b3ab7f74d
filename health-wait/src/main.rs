//! health-wait
fn main() {}
