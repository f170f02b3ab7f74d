//! Which files of a folder globs mean.

use std::path::Path;

use globset::{GlobSet, GlobSetBuilder};

use crate::service::glob::Glob;

/// The globs, ready to match paths that are relative to the folder.
#[derive(Debug)]
pub(super) struct Matcher {
    includes: GlobSet,
    excludes: GlobSet,
}

impl Matcher {
    /// With excludes alone, everything else is included.
    pub(super) fn of(globs: &[Glob], root: &Path) -> Result<Self, globset::Error> {
        let (excludes, includes): (Vec<&Glob>, Vec<&Glob>) = globs.iter().partition(|glob| glob.excludes());
        let set = |globs: Vec<&Glob>| -> Result<GlobSet, globset::Error> {
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                set.add(glob.below(root)?);
            }
            set.build()
        };
        let all = || GlobSet::new([globset::Glob::new("**")?]);
        Ok(Self { includes: if includes.is_empty() { all()? } else { set(includes)? }, excludes: set(excludes)? })
    }

    pub(super) fn includes(&self, path: &Path) -> bool {
        self.includes.is_match(path) && !self.excludes(path)
    }

    pub(super) fn excludes(&self, path: &Path) -> bool {
        path.ancestors().any(|part| part != Path::new("") && self.excludes.is_match(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(patterns: &[&str], path: &str) -> bool {
        let globs: Vec<Glob> = patterns.iter().map(|text| text.parse().expect("a glob")).collect();
        Matcher::of(&globs, Path::new("/site")).expect("globs").includes(Path::new(path))
    }

    #[test]
    fn a_glob_without_a_slash_matches_in_every_folder_and_a_star_stays_in_one() {
        assert!(is_match(&["*.py"], "a.py"));
        assert!(is_match(&["*.py"], "x/y/a.py"));
        assert!(is_match(&["src/*.py"], "src/a.py"));
        assert!(!is_match(&["src/*.py"], "src/x/a.py"));
        assert!(is_match(&["./src/**/*.py"], "src/x/a.py"));
        assert!(!is_match(&["*.py", "!test_*"], "x/test_a.py"));
        assert!(is_match(&["!*.log"], "anything"));
        assert!(!is_match(&["!*.log"], "x/a.log"));
    }

    #[test]
    fn what_is_below_an_excluded_folder_is_excluded_and_a_slash_at_the_end_means_a_whole_folder() {
        for exclude in ["!vendor", "!vendor/", "!vendor/**", "!/site/vendor"] {
            assert!(!is_match(&["*.js", exclude], "vendor/x/a.js"), "{exclude}");
            assert!(is_match(&["*.js", exclude], "src/a.js"), "{exclude}");
        }
        assert!(is_match(&["src/"], "src/x/a.js"));
        assert!(!is_match(&["src/"], "lib/a.js"));
    }

    #[test]
    fn an_absolute_glob_is_one_below_the_folder() {
        assert!(is_match(&["/site/src/*.py"], "src/a.py"));
        assert!(is_match(&["/site/*.py"], "a.py"));
        assert!(!is_match(&["/site/*.py"], "src/a.py"));
    }
}
