//! What came of one attempt.

use crate::reason::Reason;

/// An answer of something healthy, or the reason why there is none.
pub(crate) type Outcome = Result<Answer, Reason>;

/// What was found healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What the target does, after "still": `answers 200 OK`, `accepts connections`.
    pub(crate) does: String,
    /// The HTTP status.
    pub(crate) status: Option<u16>,
    /// What must not change while it is to be stable.
    pub(crate) state: Option<String>,
}

impl Answer {
    pub(crate) fn new(does: impl Into<String>) -> Self {
        Self { does: does.into(), status: None, state: None }
    }
}
