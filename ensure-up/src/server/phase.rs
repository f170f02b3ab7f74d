//! How far a server has come.

use serde::{Deserialize, Serialize};

/// How far a server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It was started and nobody has found it ready yet.
    Starting,
    /// It was ready once.
    Ready,
    /// Its supervisor waits before it starts it again.
    Waiting,
    /// Its supervisor gave up: the circuit breaker is open.
    Broken,
    /// It ended by itself and was not to be started again, and its supervisor with it.
    Finished,
    /// It was stopped because nobody used it.
    Idle,
    /// It did not come up.
    Failed,
    /// It was stopped on purpose.
    Stopped,
}
