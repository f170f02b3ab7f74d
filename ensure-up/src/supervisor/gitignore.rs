//! What git ignores below a folder, and git's own folder.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

/// The rules of git that hold below a folder.
#[derive(Debug)]
pub(crate) struct GitIgnore {
    root: PathBuf,
    /// The top of the repository.
    top: PathBuf,
    /// The rules of the `.gitignore` files, each by its folder, as far as they were asked for.
    files: HashMap<PathBuf, Option<Gitignore>>,
    /// The rules of the repository's `info/exclude` and of this user, the strongest first.
    others: Vec<Gitignore>,
}

impl GitIgnore {
    /// Finds the rules; outside of a repository the folder is treated as one.
    pub(crate) fn below(root: &Path) -> Self {
        let top = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root);
        let mut exclude = GitignoreBuilder::new(top);
        exclude.add(top.join(".git/info/exclude"));
        let others = exclude.build().into_iter().chain([Gitignore::global().0]).collect();
        Self { root: root.to_owned(), top: top.to_owned(), files: HashMap::new(), others }
    }

    /// Forgets what the files said: one has changed.
    pub(crate) fn forget(&mut self) {
        self.files.clear();
    }

    /// Tells whether a path below the folder is ignored, itself or as part of a folder that is.
    ///
    /// The folder itself never is: somebody asked for it.
    pub(crate) fn ignores(&mut self, path: &Path, is_folder: bool) -> bool {
        let parts: Vec<&Path> = path.ancestors().take_while(|part| *part != self.root).collect();
        parts.iter().any(|part| part.file_name().is_some_and(|name| name == ".git"))
            || parts.into_iter().rev().any(|part| self.matches(part, is_folder || part != path))
    }

    /// The nearest file decides.
    fn matches(&mut self, path: &Path, is_folder: bool) -> bool {
        for folder in path.ancestors().skip(1) {
            let load = || {
                let file = folder.join(".gitignore");
                file.is_file().then(|| Gitignore::new(file).0)
            };
            if let Some(rules) = self.files.entry(folder.to_owned()).or_insert_with(load) {
                match rules.matched(path, is_folder) {
                    Match::None => {}
                    decided => return decided.is_ignore(),
                }
            }
            if folder == self.top {
                break;
            }
        }
        let decided = self.others.iter().map(|rules| rules.matched(path, is_folder)).find(|decided| !decided.is_none());
        decided.is_some_and(|decided| decided.is_ignore())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_rules_decide_and_a_folder_takes_with_it_what_is_below() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("site/deep")).expect("folders");
        fs::create_dir(at(".git")).expect("a folder");
        fs::write(at(".gitignore"), "*.log\n/site/build\n/top\n").expect("a file");
        fs::write(at("site/.gitignore"), "!keep.log\n/local\n").expect("a file");
        fs::write(at("site/deep/.gitignore"), "*.tmp\n").expect("a file");
        let mut rules = GitIgnore::below(&at("site"));
        for name in ["a.log", "deep/a.log", "build/a.py", "local/a.py", "deep/a.tmp", ".git/config", "deep/.git/HEAD"] {
            assert!(rules.ignores(&at("site").join(name), false), "{name}");
        }
        for name in ["a.py", "keep.log", "deep/keep.log", "deep/build", "deep/local", "a.tmp", "top"] {
            assert!(!rules.ignores(&at("site").join(name), false), "{name}");
        }
        fs::write(at("site/.gitignore"), "a.py\n").expect("a file");
        rules.forget();
        assert!(rules.ignores(&at("site/a.py"), false));
    }
}
