//! What makes no sense in a services file, and where: file, line, column.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use proc_tree::cli::text;

/// Something in a services file that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    path: PathBuf,
    line: usize,
    column: usize,
    what: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", text::path(&self.path), self.line, self.column, text::escape(&self.what))
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// Adds the known word that is most like the one that was written.
    pub(super) fn suggest<'w>(mut self, word: &str, known: impl Iterator<Item = &'w str>) -> Self {
        let near = known.map(|known| (strsim::normalized_damerau_levenshtein(word, known), known));
        let best = near.max_by(|one, other| one.0.total_cmp(&other.0)).filter(|(likeness, _)| *likeness >= 0.5);
        self.suggestion = best.map(|(_, known)| known.to_owned());
        self
    }
}

/// A file's text, to find the place of a fault.
pub(super) struct Source<'s> {
    pub(super) path: &'s Path,
    pub(super) text: &'s str,
}

impl Source<'_> {
    /// Lines and columns count from 1, columns in characters.
    pub(super) fn fault(&self, span: &Range<usize>, what: impl Into<String>) -> Fault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Fault {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: what.into(),
            suggestion: None,
        }
    }
}
