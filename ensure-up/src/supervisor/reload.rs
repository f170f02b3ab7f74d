//! Restart on file change: what is watched, and a pause until the changes are over.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{Instant, timeout_at},
};

use super::{gitignore::GitIgnore, matcher::Matcher};
use crate::{server::folder_watch::watcher, service::glob::Glob};

/// Changes that come within this time of one another are one.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Changes without end are one change after this time.
const LONGEST: Duration = Duration::from_secs(5);

/// A file whose time of change is this recent was touched.
const RECENT: Duration = Duration::from_secs(2);

/// A folder whose files are watched.
#[derive(Debug)]
pub struct Reload {
    root: PathBuf,
    /// What this program itself writes there: the start of the paths.
    own: Vec<PathBuf>,
    matcher: Matcher,
    git: GitIgnore,
    watcher: RecommendedWatcher,
    events: UnboundedReceiver<Event>,
    pending: Option<Pending>,
}

/// A change that waits until no more come. It outlives a wait that is given up for something else.
#[derive(Debug)]
struct Pending {
    path: PathBuf,
    quiet: Instant,
    latest: Instant,
}

impl Reload {
    /// Watches the files below a folder, but for those that git ignores, and those whose paths begin as one of `own`.
    ///
    /// # Errors
    /// When the folder cannot be watched.
    pub fn watch(root: &Path, globs: &[Glob], own: Vec<PathBuf>) -> io::Result<Self> {
        let (sender, events) = unbounded_channel();
        let watcher = watcher(move |event: notify::Result<Event>| {
            if let Some(event) = event.ok().filter(is_change) {
                // nobody watches any more: nothing is lost
                let _ = sender.send(event);
            }
        })?;
        let mut reload = Self {
            root: root.to_owned(),
            own,
            matcher: Matcher::of(globs, root).map_err(io::Error::other)?,
            git: GitIgnore::below(root),
            watcher,
            events,
            pending: None,
        };
        reload.watch_below(root)?;
        Ok(reload)
    }

    /// Watches folder by folder: a watch on the whole tree would cover `node_modules` as well. Returns a file that
    /// matches, if there is one.
    fn watch_below(&mut self, folder: &Path) -> io::Result<Option<PathBuf>> {
        let mut found = None;
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            if let Err(error) = self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                // one that vanished meanwhile is no loss; one too many is
                if folder.exists() {
                    return Err(io::Error::other(error));
                }
            }
            // after the watch: what comes later is told
            for entry in folder.read_dir().into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.extend(Some(path).filter(|path| self.is_watched(path)));
                } else if found.is_none() && self.matches(&path) {
                    found = Some(path);
                }
            }
        }
        Ok(found)
    }

    /// Waits for a change that matters, and until no more come. Returns a file that changed.
    ///
    /// What was found stays so when the wait is dropped.
    pub async fn changed(&mut self) -> PathBuf {
        loop {
            let event = match &self.pending {
                None => self.events.recv().await,
                Some(pending) => {
                    timeout_at(pending.quiet.min(pending.latest), self.events.recv()).await.unwrap_or_default()
                }
            };
            match (event, self.pending.take()) {
                (Some(event), pending) => self.pending = self.after(&event, pending),
                (None, Some(pending)) => return pending.path,
                (None, None) => std::future::pending().await,
            }
        }
    }

    fn after(&mut self, event: &Event, pending: Option<Pending>) -> Option<Pending> {
        let Some(path) = self.relevant(event) else { return pending };
        let now = Instant::now();
        let quiet = now + DEBOUNCE;
        Some(match pending {
            Some(pending) => Pending { quiet, ..pending },
            None => Pending { path, quiet, latest: now + LONGEST },
        })
    }

    fn relevant(&mut self, event: &Event) -> Option<PathBuf> {
        if event.need_rescan() {
            return Some(self.root.clone());
        }
        let mut found = None;
        for path in &event.paths {
            let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
            if path.file_name().is_some_and(|name| name == ".gitignore") {
                self.git.forget();
                // a folder that was ignored is not watched; that none of it can be is no change
                let _ = path.parent().map(|folder| self.watch_below(folder));
            }
            if !is_folder && self.matches(path) {
                found = Some(path.clone());
            } else if is_folder && self.is_watched(path) && may_be_new(event.kind) {
                // what was put into a new folder before it is watched counts as well
                found = found.or(self.watch_below(path).ok().flatten());
            }
        }
        found
    }

    fn is_watched(&mut self, folder: &Path) -> bool {
        folder.strip_prefix(&self.root).is_ok_and(|relative| !self.matcher.excludes(relative))
            && !self.git.ignores(folder, true)
    }

    fn matches(&mut self, path: &Path) -> bool {
        let is_own =
            |own: &PathBuf| path.as_os_str().as_encoded_bytes().starts_with(own.as_os_str().as_encoded_bytes());
        path.strip_prefix(&self.root).is_ok_and(|relative| self.matcher.includes(relative))
            && !self.own.iter().any(is_own)
            && !self.git.ignores(path, false)
    }
}

/// To read a file is no change, nor are its permissions; to touch it is one.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Modify(ModifyKind::Metadata(_)) => event.paths.iter().any(|path| was_touched(path)),
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn was_touched(path: &Path) -> bool {
    let changed = path.symlink_metadata().ok().filter(|found| !found.is_dir()).and_then(|found| found.modified().ok());
    // a moment ago, or in a moment: file systems round
    changed.is_some_and(|at| match SystemTime::now().duration_since(at) {
        Ok(age) => age < RECENT,
        Err(ahead) => ahead.duration() < RECENT,
    })
}

fn may_be_new(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Remove(_) | EventKind::Access(_))
}
