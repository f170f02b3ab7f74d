//! In which order servers are stopped: what depends on another one first.

use crate::ServerRecord;

/// Orders servers to stop them: dependents before what they need, else by port.
pub fn order(mut left: Vec<ServerRecord>) -> Vec<ServerRecord> {
    left.sort_by_key(|record| record.port);
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_needed = |record: &ServerRecord| {
            let needs_it = |other: &ServerRecord| {
                other.service.folder == record.service.folder && other.depends_on.contains(&record.name)
            };
            left.iter().any(needs_it)
        };
        // in a circle, which the services file refuses, any is as good
        let next = left.iter().position(|record| !is_needed(record)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}
