//! Patterns for the files whose changes count.

use std::{fmt, path::Path, str::FromStr};

use globset::GlobBuilder;

/// A pattern for paths; `!` before it excludes what it matches, and all that is below that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let glob = Self(text.to_owned());
        let checked = glob.below(Path::new("/"));
        checked.map_err(|error| format!("invalid glob {text:?}: {}", error.kind())).map(|_| glob)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Glob {
    /// Tells whether it excludes what it matches.
    pub(crate) fn excludes(&self) -> bool {
        self.0.starts_with('!')
    }

    /// Makes the matcher for paths relative to a folder.
    ///
    /// `*` stays within a folder; a pattern without a slash matches in every folder, as git's do; one that ends with a
    /// slash means all that is in a folder.
    pub(crate) fn below(&self, root: &Path) -> Result<globset::Glob, globset::Error> {
        let text = self.0.strip_prefix('!').unwrap_or(&self.0);
        let below = root.to_str().and_then(|root| text.strip_prefix(root)?.strip_prefix('/'));
        let text = below.or(text.strip_prefix("./")).unwrap_or(text);
        let text = match text.strip_suffix('/') {
            // what is excluded takes with it what is below
            Some(folder) if self.excludes() => folder.to_owned(),
            Some(folder) => format!("{folder}/**"),
            None => text.to_owned(),
        };
        let text = if below.is_some() || text.contains('/') { text } else { format!("**/{text}") };
        GlobBuilder::new(&text).literal_separator(true).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_glob_is_quoted() {
        let error = "a[".parse::<Glob>().expect_err("no glob");
        assert!(error.starts_with("invalid glob \"a[\": "), "{error}");
    }
}
