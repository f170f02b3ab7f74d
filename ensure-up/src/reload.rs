//! Restart on file change: globs, what git ignores, and a pause until the changes are over.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::{
    WalkBuilder,
    gitignore::{Gitignore, GitignoreBuilder},
};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::ModifyKind};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, timeout},
};

/// Changes that come within this time of one another are one.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Changes without end are one change after this time.
const LONGEST: Duration = Duration::from_secs(2);

/// The globs of `--reload-on`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Takes the globs as they were given; `!` before one excludes what it matches.
    ///
    /// # Errors
    /// Says which one is no glob.
    pub fn new(texts: &[String]) -> Result<Self, String> {
        for text in texts {
            glob(text).map_err(|error| format!("invalid glob {text:?}: {}", error.kind()))?;
        }
        Ok(Self(texts.to_vec()))
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With excludes alone, everything else is included.
    fn sets(&self) -> Result<(GlobSet, GlobSet), globset::Error> {
        let (excludes, includes): (Vec<&String>, Vec<&String>) = self.0.iter().partition(|text| text.starts_with('!'));
        let all = "**".to_owned();
        let includes = if includes.is_empty() { vec![&all] } else { includes };
        let set = |texts: Vec<&String>| -> Result<GlobSet, globset::Error> {
            let mut set = GlobSetBuilder::new();
            for text in texts {
                set.add(glob(text)?);
            }
            set.build()
        };
        Ok((set(includes)?, set(excludes)?))
    }
}

/// `*` stays within a folder; a pattern without a slash matches in every folder, as git's do.
fn glob(text: &str) -> Result<Glob, globset::Error> {
    let text = text.strip_prefix('!').unwrap_or(text);
    let text = text.strip_prefix("./").unwrap_or(text);
    let text = if text.contains('/') { text.to_owned() } else { format!("**/{text}") };
    GlobBuilder::new(&text).literal_separator(true).build()
}

/// A folder whose files are watched.
#[derive(Debug)]
pub struct Reload {
    root: PathBuf,
    includes: GlobSet,
    excludes: GlobSet,
    gitignore: Gitignore,
    watched: HashSet<PathBuf>,
    watcher: RecommendedWatcher,
    events: UnboundedReceiver<Event>,
}

impl Reload {
    /// Watches the files below a folder, but for those that git ignores.
    ///
    /// # Errors
    /// When the folder cannot be watched.
    pub fn watch(root: &Path, patterns: &Patterns) -> io::Result<Self> {
        let (sender, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event {
                let _ = sender.send(event);
            }
        });
        let (includes, excludes) = patterns.sets().map_err(io::Error::other)?;
        let mut gitignore = GitignoreBuilder::new(root);
        for folder in root.ancestors() {
            gitignore.add(folder.join(".gitignore"));
            if folder.join(".git").exists() {
                break;
            }
        }
        let mut reload = Self {
            root: root.to_owned(),
            includes,
            excludes,
            gitignore: gitignore.build().map_err(io::Error::other)?,
            watched: HashSet::new(),
            watcher: watcher.map_err(io::Error::other)?,
            events,
        };
        reload.watch_below(root)?;
        Ok(reload)
    }

    /// Folder by folder: a watch on the whole tree would cover `node_modules` as well.
    fn watch_below(&mut self, folder: &Path) -> io::Result<()> {
        let walk = WalkBuilder::new(folder)
            .hidden(false)
            .require_git(false)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build();
        let folders = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir()));
        for entry in folders {
            if self.watched.insert(entry.path().to_owned())
                && let Err(error) = self.watcher.watch(entry.path(), RecursiveMode::NonRecursive)
            {
                // one that vanished meanwhile is no loss; one too many is
                self.watched.remove(entry.path());
                if entry.path().exists() {
                    return Err(io::Error::other(error));
                }
            }
        }
        Ok(())
    }

    /// Waits for a change that matters, and until no more come. Returns a file that changed.
    pub async fn changed(&mut self) -> PathBuf {
        let path = loop {
            let Some(event) = self.events.recv().await else { std::future::pending().await };
            if let Some(path) = self.relevant(&event) {
                break path;
            }
        };
        let latest = Instant::now() + LONGEST;
        while Instant::now() < latest {
            match timeout(DEBOUNCE, self.events.recv()).await {
                Ok(Some(event)) => drop(self.relevant(&event)),
                Ok(None) | Err(_) => break,
            }
        }
        path
    }

    fn relevant(&mut self, event: &Event) -> Option<PathBuf> {
        let is_change = match event.kind {
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any | EventKind::Other => true,
            EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
            EventKind::Access(_) => false,
        };
        let mut found = None;
        for path in event.paths.iter().filter(|_| is_change) {
            if path.is_dir() {
                // what was put into a new folder before it is watched counts as well
                let is_new = !self.watched.contains(path);
                if is_new && self.watch_below(path).is_ok() {
                    found = found.or_else(|| self.matching_below(path));
                }
            } else if self.matches(path) {
                found = Some(path.clone());
            }
        }
        found
    }

    fn matching_below(&self, folder: &Path) -> Option<PathBuf> {
        let walk = WalkBuilder::new(folder).hidden(false).require_git(false).build();
        walk.filter_map(Result::ok).map(ignore::DirEntry::into_path).find(|path| path.is_file() && self.matches(path))
    }

    fn matches(&self, path: &Path) -> bool {
        let Ok(relative) = path.strip_prefix(&self.root) else { return false };
        self.includes.is_match(relative)
            && !self.excludes.is_match(relative)
            && !self.gitignore.matched_path_or_any_parents(relative, false).is_ignore()
            && !relative.starts_with(".git")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(patterns: &[&str], path: &str) -> bool {
        let texts: Vec<String> = patterns.iter().map(|&text| text.to_owned()).collect();
        let (includes, excludes) = Patterns::new(&texts).expect("globs").sets().expect("globs");
        includes.is_match(path) && !excludes.is_match(path)
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
    fn a_broken_glob_is_quoted() {
        let error = Patterns::new(&["a[".into()]).expect_err("no glob");
        assert!(error.starts_with("invalid glob \"a[\": "), "{error}");
    }
}
