//! All that a report is drawn up from.

use port_who::Answer;

use super::{findings::Findings, request::Request, scope::Scope};
use crate::stop::Stopped;

/// All that a report is drawn up from.
pub(super) struct Summary<'s> {
    pub(super) request: &'s Request,
    pub(super) scope: &'s Scope,
    pub(super) findings: &'s Findings,
    pub(super) stopped: &'s [Stopped],
    /// What the last look at the ports showed.
    pub(super) answer: &'s Answer,
}
