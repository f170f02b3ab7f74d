//! Does a process run what is asked for? As people mean it: whatever started it in between, wherever it went since, and
//! however it names itself now.
//!
//! What cannot be decided differs: to take another's server for one's own is worse than to leave one's own alone.

mod compared;
mod folder;
mod npm;
mod program;
mod shell;
mod title;
pub(crate) mod user;
mod variant;
mod wrapper;

pub(crate) use compared::{Asked, Running};

use super::part::Part;
use variant::Variant;

/// Tells in what a process differs from what is asked for; in nothing: it runs just that.
pub(crate) fn differences(running: &Running<'_>, asked: &Asked<'_>) -> Vec<Part> {
    let words = asked.words();
    let found = variant::variants(&words, running, asked).into_iter().find(|variant| runs(variant, running, asked));
    let is_in_folder = match &found {
        Some(Variant { is_in_folder: true, .. }) => true,
        Some(variant) => folder::is_started_in(asked.cwd, &variant.words, running),
        None => folder::is_started_in(asked.cwd, &words, running),
    };
    let changed = asked.environment().chain(found.iter().flat_map(|variant| variant.set.iter().cloned()));
    let changed = changed.filter(|(name, value)| running.variable(name).as_deref() != Some(value));
    let mut changed: Vec<String> = changed.map(|(name, _)| name).collect();
    changed.sort_unstable();
    changed.dedup();
    let parts = [
        (!user::is_asker(running, asked, found.as_ref().and_then(|variant| variant.sudo_user.as_deref())), Part::User),
        (found.is_none(), Part::Command),
        (!is_in_folder, Part::Folder),
        (!changed.is_empty(), Part::Environment(changed)),
    ];
    parts.into_iter().filter_map(|(differs, part)| differs.then_some(part)).collect()
}

/// Tells whether the process runs the command in this variant.
fn runs(variant: &Variant, running: &Running<'_>, asked: &Asked<'_>) -> bool {
    let program = asked.program.filter(|_| variant.is_as_asked);
    let place = program::Place { executable: running.executable(), program, folder: asked.cwd };
    let shown = running.words();
    if program::is_same_command(shown, &variant.words, &place) {
        return true;
    }
    // a shell that lives on beside the one command that it was given
    let inner =
        shell::script(shown).and_then(|text| shell::simple(text, &|_| None)).filter(|inner| inner.set.is_empty());
    if inner.is_some_and(|inner| program::is_same_command(&inner.words, &variant.words, &place)) {
        return true;
    }
    let Some(title) = running.title() else { return false };
    match npm::title(&variant.words) {
        Some(expected) => title == expected && npm::is_as_long(running, &variant.words),
        None => !npm::is_npm(&variant.words) && title::is_of(title, &variant.words, &place, asked.port),
    }
}

#[cfg(test)]
#[path = "command/tests.rs"]
mod tests;
