//! Who else may change a file or a folder: what another user may write says what that user likes.

use std::{fs::Metadata, os::unix::fs::MetadataExt};

use proc_tree::users;

/// Says which user beside those that are trusted owns what was found, or may write to it; `None` where none does.
pub(crate) fn objection(found: &Metadata, trusted: &[u32]) -> Option<String> {
    let is_own_group = || users::is_own_group(found.gid(), trusted);
    let who = judge(trusted.contains(&found.uid()), found.mode(), is_own_group)?;
    Some(match who {
        Stranger::Owner => {
            format!("it belongs to {}", users::title(found.uid()))
        }
        Stranger::Group => "its group may write to it".to_owned(),
        Stranger::Others => "others may write to it".to_owned(),
    })
}

/// Who may change it that is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    Owner,
    Group,
    Others,
}

/// Judges by owner and mode. A group of the user's own is nobody else: with it goes a umask of 002.
fn judge(is_trusted: bool, mode: u32, is_own_group: impl FnOnce() -> bool) -> Option<Stranger> {
    match (is_trusted, mode & 0o002 != 0, mode & 0o020 != 0) {
        (false, ..) => Some(Stranger::Owner),
        (true, true, _) => Some(Stranger::Others),
        (true, false, true) => (!is_own_group()).then_some(Stranger::Group),
        (true, false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_else_may_write_is_a_stranger() {
        for (is_trusted, mode, is_own_group, expected) in [
            (true, 0o644, false, None),
            (true, 0o755, false, None),
            (true, 0o664, true, None),
            (true, 0o664, false, Some(Stranger::Group)),
            (true, 0o666, true, Some(Stranger::Others)),
            (true, 0o646, false, Some(Stranger::Others)),
            // that others may not delete what is in it does not make it the user's
            (true, 0o1777, true, Some(Stranger::Others)),
            (false, 0o600, true, Some(Stranger::Owner)),
            (false, 0o666, false, Some(Stranger::Owner)),
        ] {
            assert_eq!(judge(is_trusted, mode, || is_own_group), expected, "{is_trusted} {mode:o} {is_own_group}");
        }
    }
}
