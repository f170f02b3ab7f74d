//! Samples: what the trees used over an interval, and the most they ever did.

mod peak;
mod reading;
pub mod sampler;
