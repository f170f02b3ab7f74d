//! The line that says for whom a stop waits.

use std::collections::BTreeMap;

use proc_tree::cli::progress::Progress;

use super::arguments::Arguments;

/// The line that says on a terminal for whom is waited: of several servers the first, and how many others.
pub(super) struct StopLine {
    progress: Option<Progress>,
    awaited: BTreeMap<usize, String>,
}

impl StopLine {
    pub(super) fn of(arguments: &Arguments) -> Self {
        let is_seen = Progress::is_seen(arguments.common.quiet);
        Self { progress: is_seen.then(Progress::default), awaited: BTreeMap::new() }
    }

    pub(super) fn draw(&mut self, index: usize, words: String) {
        self.awaited.insert(index, words);
        let first = self.awaited.first_key_value().filter(|(first, _)| **first == index);
        // the others turn no wheel
        if let (Some(progress), Some((_, words))) = (&mut self.progress, first) {
            let others = match self.awaited.len() - 1 {
                0 => String::new(),
                1 => ", and another server".to_owned(),
                more => format!(", and {more} other servers"),
            };
            progress.draw(&format!("{words}{others}"));
        }
    }

    pub(super) fn over(&mut self, index: usize) {
        self.awaited.remove(&index);
        self.progress.iter_mut().for_each(Progress::clear);
    }
}
