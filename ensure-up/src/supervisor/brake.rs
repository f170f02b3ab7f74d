//! A brake for a file that the server itself changes: each start would make the next one. Knows no clock but the times it
//! is told.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A change so soon after a start may be the server's own.
const SOON: Duration = Duration::from_secs(3);

/// So many in a row of the same file are taken for that.
const MANY: u32 = 3;

/// The pause before the next start, which is doubled from then on.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST: Duration = Duration::from_mins(5);

/// Remembers which file changed soon after a start, and how often in a row.
#[derive(Debug, Default)]
pub(super) struct Brake {
    path: PathBuf,
    in_a_row: u32,
}

impl Brake {
    /// Takes note of a change so long after the last start, and tells how long the server goes on as it is before it is
    /// started again.
    pub(super) fn changed(&mut self, path: &Path, since_start: Duration) -> Duration {
        if since_start >= SOON {
            *self = Self::default();
            return Duration::ZERO;
        }
        self.in_a_row = if self.path == path { self.in_a_row.saturating_add(1) } else { 1 };
        path.clone_into(&mut self.path);
        match self.in_a_row.checked_sub(MANY + 1) {
            None => Duration::ZERO,
            Some(more) => FIRST.saturating_mul(2_u32.saturating_pow(more)).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_soon_after_each_start_is_waited_for_longer_and_longer() {
        let mut brake = Brake::default();
        let soon = Duration::from_millis(200);
        let pauses: Vec<u64> = (0..7).map(|_| brake.changed(Path::new("db"), soon).as_secs()).collect();
        assert_eq!(pauses, [0, 0, 0, 1, 2, 4, 8]);
        let longest = (0..40).map(|_| brake.changed(Path::new("db"), soon)).max();
        assert_eq!(longest, Some(LONGEST));
    }

    #[test]
    fn another_file_or_one_that_changes_later_is_an_edit() {
        let mut brake = Brake::default();
        let (soon, later) = (Duration::from_millis(200), SOON);
        for (path, since_start) in [("a", soon), ("a", soon), ("b", soon), ("a", soon), ("a", soon), ("a", soon)] {
            assert_eq!(brake.changed(Path::new(path), since_start), Duration::ZERO, "{path}");
        }
        assert_eq!(brake.changed(Path::new("a"), later), Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(brake.changed(Path::new("a"), soon), Duration::ZERO);
        }
        assert_eq!(brake.changed(Path::new("a"), soon), FIRST);
    }
}
