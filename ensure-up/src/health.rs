//! Asking for health, with the library of health-wait.

use std::io;

use health_wait::{Settings, Target};

/// What one attempt found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Healthy.
    Healthy,
    /// Not yet; says why.
    Not(String),
    /// An answer that can only mean failure.
    Failed(String),
}
